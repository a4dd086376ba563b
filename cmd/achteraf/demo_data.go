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

// Slugs of the demo's shops.
const (
	apiShop = "schoenenwinkel" // of the printed API key; it has no past
	webShop = "kleigoed"       // in which a visitor buys
)

// demoShops are the shops of every demo: the first is that of the printed API key.
func demoShops() []merchants.New {
	shoes := merchants.New{
		Slug: apiShop, Name: "Schoenenwinkel Voorbeeld", LegalName: "Voorbeeld Schoenen B.V.", Country: "NL", Street: "Marktplein",
		HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000002", VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011",
		Language: "nl", InvoicePrefix: "SCHOEN", Contract: merchants.StandardContract(),
		Contacts: []merchants.Contact{{Kind: "phone", Value: "+31201234567"}, {Kind: "email", Value: "klantenservice@schoenenwinkel.example"}},
		Terms:    merchants.TermsText{Version: "2026-01", URL: "https://schoenenwinkel.example/voorwaarden"},
	}
	another := func(slug, name, legal, prefix, number, iban, house string) merchants.New {
		m := shoes
		m.Slug, m.Name, m.LegalName, m.InvoicePrefix, m.RegistrationNumber, m.IBAN, m.HouseNumber = slug, name, legal, prefix, number, iban, house
		m.Contacts = []merchants.Contact{{Kind: "phone", Value: "+31201234567"}, {Kind: "email", Value: "klantenservice@" + slug + ".example"}}
		m.Terms.URL = "https://" + slug + ".example/voorwaarden"
		return m
	}
	kitchen := another("keukengerei", "Keukengerei Voorbeeld", "Voorbeeld Keukens B.V.", "KEUKEN", "90000003", "NL14ACHT0000000012", "7")
	kitchen.Contract.Model = merchants.Guaranteed
	clay := another(webShop, "Kleigoed", "Voorbeeld Kleigoed B.V.", "KLEI", "90000004", "NL84ACHT0000000013", "9")
	books := another("boekhuis", "Boekhuis Voorbeeld", "Voorbeeld Boeken B.V.", "BOEK", "90000005", "NL57ACHT0000000014", "11")
	books.Contract.StartBy, books.Contract.LapseAfterDays, books.Contract.DueDays = merchants.ByCall, 90, 30
	return []merchants.New{shoes, kitchen, clay, books}
}

// clayIdentity is who stands at the foot of the web shop's pages.
func clayIdentity() merchants.Operator {
	m := demoShops()[2]
	return merchants.Operator{Name: m.Name, LegalName: m.LegalName, Street: m.Street, HouseNumber: m.HouseNumber, Postcode: m.Postcode, City: m.City,
		Country: m.Country, RegistrationNumber: m.RegistrationNumber, VATID: m.VATID, Email: m.Contacts[1].Value, Phone: m.Contacts[0].Value,
		ClientIBAN: m.IBAN, BIC: demoOperator().BIC, AccountName: m.LegalName}
}

// demoWorkflow is a workflow of the older wire: collected, up to EUR 2,500.00.
func demoWorkflow(number int64) merchants.Contract {
	c := merchants.StandardContract()
	c.Workflow, c.ConsumerLimitCents, c.OrderLimitCents = number, 2_500_00, 2_500_00
	return c
}
