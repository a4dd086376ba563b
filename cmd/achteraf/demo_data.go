package main

import (
	"achteraf/internal/db"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/web/page"
	"log/slog"
)

// The keys of every demo. They are in the source for all to read, so serve refuses a database that was
// made with them.
const (
	demoVaultKeys = "demo +os1GUdAuCgBGDiPV43M6qVYqDiou/YKjM4ckpzrJAg="
	demoLogKey    = "PRIVATE+KEY+achteraf/demo/log+3d040ec3+AeSbbBxOjKad1HnamdBi9a1i7e58Drt0NnNyD41CbJAe"
)

// demoOperator is an invented operator; its check digits are right, its bank does not exist.
func demoOperator() merchants.Operator {
	return merchants.Operator{
		Name: "Achteraf Voorbeeld", LegalName: "Achteraf Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB",
		City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21",
		Email: "service@achteraf.example", Phone: "+31201234567", Website: "https://achteraf.example",
		ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A", AccountName: "Stichting Derdengelden Achteraf Voorbeeld",
	}
}

// demoPlatform builds a platform with the demo's operator and keys. with adds what the process that serves the demo
// has: a mailer, a bank button; nil leaves these to it.
func demoPlatform(d *db.DB, log *slog.Logger, with func(*platform.Config)) (*platform.Platform, error) {
	v, err := vault.Parse([]byte(demoVaultKeys))
	if err != nil {
		return nil, err
	}
	key, err := ledger.ReadKey(demoLogKey)
	if err != nil {
		return nil, err
	}
	c := platform.Config{DB: d, Vault: v, LogKey: key, Operator: demoOperator(), Brand: page.Brand{Name: "Achteraf"},
		Random: chance(), Log: log, Demo: true}
	if with != nil {
		with(&c)
	}
	return platform.New(c)
}

// demoShops are the shops of every demo: the first is that of the printed API key.
func demoShops() []merchants.New {
	shop := merchants.New{
		Slug: "schoenenwinkel", Name: "Schoenenwinkel Voorbeeld", LegalName: "Voorbeeld Schoenen B.V.", Country: "NL", Street: "Marktplein",
		HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000002", VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011",
		Language: "nl", InvoicePrefix: "SCHOEN", Contract: merchants.StandardContract(),
		Contacts: []merchants.Contact{{Kind: "phone", Value: "+31201234567"}, {Kind: "email", Value: "klantenservice@schoenenwinkel.example"}},
		Terms:    merchants.TermsText{Version: "2026-01", URL: "https://schoenenwinkel.example/voorwaarden"},
	}
	kitchen := shop
	kitchen.Slug, kitchen.Name, kitchen.LegalName, kitchen.InvoicePrefix = "keukengerei", "Keukengerei Voorbeeld", "Voorbeeld Keukens B.V.", "KEUKEN"
	kitchen.RegistrationNumber, kitchen.IBAN, kitchen.HouseNumber = "90000003", "NL14ACHT0000000012", "7"
	kitchen.Contract.Model = merchants.Guaranteed
	return []merchants.New{shop, kitchen}
}

// demoWorkflow is a workflow of the older wire: collected, up to EUR 2,500.00.
func demoWorkflow(number int64) merchants.Contract {
	c := merchants.StandardContract()
	c.Workflow, c.ConsumerLimitCents, c.OrderLimitCents = number, 2_500_00, 2_500_00
	return c
}
