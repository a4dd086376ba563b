package api

import "strings"

// meaning explains a problem code: on the reference page and at /problems/{code}. docs/problems.md says the same;
// a test compares them.
type meaning struct {
	code   string
	status int
	means  string
	remedy string
}

// meanings are the problems that this API can answer with.
var meanings = []meaning{
	{"body", 400, "the message did not arrive whole", "send it again"},
	{"body-too-deep", 400, "objects and lists stand too deep inside one another", "send what the reference shows"},
	{"body-too-large", 413, "the message is larger than is allowed", "send less than 64 KiB"},
	{"busy", 503, "too many requests are waiting; nothing was done", "try again shortly"},
	{"buyer-unreachable", 409, "there is no address of this buyer any more", "nothing"},
	{"checkout", 404, "there is no such checkout for this merchant", "check the id"},
	{"checkout-off", 503, "this platform has no public address, so it has no pages to send a buyer to", "ask the operator to set `public_url`"},
	{"content-type", 415, "the message does not say that it is JSON", "send `Content-Type: application/json`"},
	{"credit-amount", 422, "the amount is more than is left to credit, or not above zero", "credit at most what is left"},
	{"credit-both", 422, "both lines and an amount were given", "give one of them"},
	{"credit-lines", 422, "some lines cannot be credited so; see `errors`", "correct the lines"},
	{"credit-note", 404, "there is no such credit note for this merchant, or it was made before the invoice and shows on that", "check the id"},
	{"credit-nothing-left", 409, "everything of this order is credited already", "nothing"},
	{"credit-reason", 422, "the reason is not one that we know", "give one of those in the reference"},
	{"cursor", 400, "the cursor is not one of this list", "begin again without a cursor"},
	{"delay-not-planned", 409, "the invoice was issued or withdrawn, so it cannot be put off any more", "credit the order, or talk to the buyer"},
	{"document-changed", 409, "the document was handed out in another form by another program", "ask the operator"},
	{"document-erased", 404, "the years for which the document must be kept are over, and it was destroyed", "nothing"},
	{"fields", 422, "some fields are not right; see `errors`", "correct the fields"},
	{"hold-lifted", 409, "the hold was lifted before, or there was none", "nothing"},
	{"hold-not-possible", 409, "nothing is open on the order, and nothing will be", "nothing"},
	{"idempotency-in-flight", 409, "the first request with this key is still under way", "ask again shortly with the same key"},
	{"idempotency-key-form", 400, "the idempotency key is not 1 to 255 visible ASCII characters", "use a UUID, for instance"},
	{"idempotency-key-missing", 400, "a write came without an idempotency key", "send an `Idempotency-Key` header"},
	{"idempotency-key-reused", 422, "the idempotency key came before with another route or message", "use a new key for each request"},
	{"internal", 500, "something went wrong on our side", "try again; report it if it stays"},
	{"invoice", 404, "there is no such invoice for this merchant", "check the id"},
	{"invoice-state", 409, "the invoice has just changed", "read it again and decide anew"},
	{"invoice-settled", 409, "nothing is open on this invoice", "nothing"},
	{"json", 400, "the message is not JSON that can be read; see `errors`", "mend the message"},
	{"key-invalid", 401, "no valid API key was shown", "send `Authorization: Bearer` with a key that is in use"},
	{"merchant-inactive", 403, "this shop cannot place orders now", "activate the shop, or ask the operator"},
	{"message-limit", 409, "the shop wrote five messages about this order within a day", "wait a day"},
	{"method", 405, "the address does not know that method", "use one of those in the `Allow` header"},
	{"no-mail", 409, "this platform sends no mail", "ask the operator"},
	{"order", 404, "there is no such order for this merchant", "check the id"},
	{"order-frozen", 409, "an order that was decided on cannot be edited", "cancel or credit it, or ask the operator for a correction"},
	{"order-reference", 409, "the reference already names an order of this merchant", "read that order, or use another reference"},
	{"order-state", 409, "the state of the order does not allow this", "read it again and decide anew"},
	{"outcome-unknown", 503, "we do not know whether it was done", "send it again with the same idempotency key"},
	{"payment", 404, "there is no such payment for this merchant", "check the id"},
	{"payment-amount", 422, "less than one cent, or more than is open", "pay at most what is open"},
	{"payment-reversed", 409, "the payment was taken back before", "nothing"},
	{"payment-used", 409, "the money of this payment has gone on meanwhile", "ask the operator"},
	{"query", 400, "what stands behind the question mark is not understood", "send what the reference shows"},
	{"rate-limit", 429, "too many requests came in too short a time", "wait as long as `Retry-After` says"},
	{"references-used-up", 503, "there are no payment references left", "ask the operator"},
	{"route", 404, "there is nothing at this address", "check the address"},
	{"scope", 403, "the key may not do this", "use a key with the scope that the reference names"},
	{"storage", 503, "our storage does not answer as it should; nothing was done", "try again shortly"},
	{"timeout", 503, "it took too long", "send it again with the same idempotency key"},
}

// sentence makes a title of a meaning.
func sentence(means string) string {
	means = strings.ReplaceAll(means, "`", "")
	return strings.ToUpper(means[:1]) + means[1:]
}

// fieldMeanings explains the codes of single fields.
var fieldMeanings = []struct{ code, means string }{
	{"amount", "not an amount of money that is possible here"},
	{"both", "only one of two fields may be given"},
	{"characters", "holds characters that are not allowed here"},
	{"country", "not a country that is known here"},
	{"currency", "not a currency that is taken here"},
	{"date", "not a date as YYYY-MM-DD"},
	{"duplicate", "the same member is given twice"},
	{"email", "not an e-mail address"},
	{"future", "lies in the future"},
	{"house-number", "not a house number"},
	{"instant", "not a moment as RFC 3339 has it"},
	{"ip", "not an IP address"},
	{"language", "not a language of the platform"},
	{"lines", "too few or too many lines"},
	{"negative", "must not be below zero here"},
	{"not-allowed", "must not be given here"},
	{"past", "lies too far in the past"},
	{"phone", "not a telephone number"},
	{"positive", "must not be above zero here"},
	{"postcode", "not a postcode of the country"},
	{"quantity", "not a quantity that is possible here"},
	{"range", "below or above what is allowed"},
	{"registration-number", "not a registration number of the country"},
	{"required", "nothing is there"},
	{"syntax", "from here on it is not JSON in UTF-8"},
	{"too-long", "longer than is allowed"},
	{"too-much", "more than there is"},
	{"total", "does not equal the sum of the lines"},
	{"type", "another type of value is expected"},
	{"unknown", "not one of the values that are known here"},
	{"unknown-member", "there is no such member here"},
	{"url", "not an address that a browser can be sent to"},
	{"vat-id", "not a VAT number of the country, or its check digits are wrong"},
	{"vat-percent", "not a VAT rate that is possible here"},
}
