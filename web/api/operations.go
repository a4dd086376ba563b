package api

import (
	"net/http"
	"reflect"

	"achteraf/access"
)

// operation is one row of the table from which everything is made: the routes, who may use them, the OpenAPI
// document and the reference page.
type operation struct {
	method, path string
	scope        string // that the key must have; "" is open to anyone
	serve        func(*API, *call) (reply, error)

	id, summary, about string
	query              []parameter
	body               reflect.Type // nil: it has none
	optional           bool         // the body may be left out
	example            string       // of the body
	status             int          // of a good answer; 0 when there is none
	answer             reflect.Type // nil: a document
	media              string       // of a document; "" is HTML
	of                 string       // what the id in the path names; "" is the order
	problems           []string     // besides those of every operation of its kind
}

type parameter struct {
	name, about string
	number      bool
	least, most int // of a number
}

func (o *operation) name() string { return o.method + " " + o.path }

// writes says whether it changes anything, and so needs an idempotency key.
func (o *operation) writes() bool { return o.body != nil }

// Problems that every operation of a kind can have.
var (
	everyProblem = []string{"key-invalid", "scope", "rate-limit", "internal", "busy", "storage", "timeout"}
	writeProblem = []string{"idempotency-key-missing", "idempotency-key-form", "idempotency-key-reused", "idempotency-in-flight",
		"body", "body-too-deep", "json", "body-too-large", "content-type", "fields", "outcome-unknown"}
)

func operations() []*operation {
	return []*operation{
		{
			method: http.MethodPost, path: "/v1/orders", scope: access.OrdersWrite, serve: (*API).placeOrder,
			id: "placeOrder", summary: "Place an order",
			about: "Sends an order of a buyer who wants to pay after delivery, and answers at once whether that is accepted. " +
				"Declined and referred are good answers too: then there is no order, `id` is that of the attempt, `state` is null and the reference is free for another try. " +
				"A wrong field is never a refusal: it is a problem, and nothing is decided.",
			body: reflect.TypeFor[newOrder](), example: exampleOrder, status: http.StatusCreated, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order-reference", "merchant-inactive", "references-used-up"},
		},
		{
			method: http.MethodGet, path: "/v1/orders", scope: access.OrdersRead, serve: (*API).listOrders,
			id: "listOrders", summary: "List orders",
			about: "The newest first, a page at a time.",
			query: []parameter{
				{name: "cursor", about: "`next_cursor` of the page before; left out for the newest."},
				{name: "limit", about: "Orders on a page.", number: true, least: 1, most: mostPage},
				{name: "reference", about: "Only the order with this reference of yours."},
			},
			status: http.StatusOK, answer: reflect.TypeFor[orderPage](),
			problems: []string{"cursor", "query"},
		},
		{
			method: http.MethodGet, path: "/v1/orders/{id}", scope: access.OrdersRead, serve: (*API).getOrder,
			id: "getOrder", summary: "Read an order",
			about:  "The order as it is now, with its invoices and credits.",
			status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order"},
		},
		{
			method: http.MethodPatch, path: "/v1/orders/{id}", scope: access.OrdersWrite, serve: (*API).changeOrder,
			id: "changeOrder", summary: "Edit an order: never",
			about:    "Always a problem. What an order was decided on stays as it was; cancel it, credit it, or ask the operator for a correction, which becomes a new version.",
			problems: []string{"order", "order-frozen"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/start", scope: access.OrdersWrite, serve: (*API).startOrder,
			id: "startOrder", summary: "Start an order",
			about: "Says that the goods are on their way. The invoice is issued on its day, or now if that has passed. Without this call the clock starts the order, unless your contract leaves it to you. Starting twice is the same as once.",
			body:  reflect.TypeFor[nothing](), optional: true, example: `{}`, status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "order-state"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/cancel", scope: access.OrdersWrite, serve: (*API).cancelOrder,
			id: "cancelOrder", summary: "Cancel an order",
			about: "Withdraws an order that has not started: nothing is ever due for it. Credit one that has. Cancelling twice is the same as once.",
			body:  reflect.TypeFor[nothing](), optional: true, example: `{}`, status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "order-state", "invoice-state"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/delay", scope: access.OrdersWrite, serve: (*API).delayOrder,
			id: "delayOrder", summary: "Put the invoice of an order off",
			about: "Says that the order comes later, so that its invoice does too: on the day that you give, which lies after the planned one and at most 90 days after the order. " +
				"The buyer hears of it and sees the reason. A new notice takes the place of the one before.",
			body: reflect.TypeFor[delayOrder](), example: `{"send_on":"2026-12-15","reason":"stock"}`, status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "invoice", "invoice-state", "delay-not-planned"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/credits", scope: access.OrdersWrite, serve: (*API).creditOrder,
			id: "creditOrder", summary: "Credit an order",
			about: "Lowers what the buyer owes: by an amount, by lines, or by all that is left when the message names neither. What was paid already is held for the buyer.",
			body:  reflect.TypeFor[creditOrder](), optional: true, example: `{"amount_cents":1000,"reason":"return"}`, status: http.StatusCreated, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "order-state", "invoice", "invoice-state", "credit-amount", "credit-both", "credit-lines", "credit-nothing-left", "credit-reason"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/hold", scope: access.OrdersWrite, serve: (*API).holdOrder,
			id: "holdOrder", summary: "Hold an order",
			about: "For some days no invoice is sent for it, nobody is reminded, no costs are charged and nothing is handed over. A new hold takes the place of your earlier one. It ends by itself.",
			body:  reflect.TypeFor[holdOrder](), example: `{"days":3,"reason":"return"}`, status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "invoice", "hold-not-possible"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/resume", scope: access.OrdersWrite, serve: (*API).resumeOrder,
			id: "resumeOrder", summary: "Resume an order",
			about: "Ends your hold before its time. Holds of others stay.",
			body:  reflect.TypeFor[nothing](), optional: true, example: `{}`, status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "invoice", "hold-lifted"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/payments", scope: access.OrdersWrite, serve: (*API).reportPayment,
			id: "reportPayment", summary: "Report that the buyer paid you",
			about: "For money that reached you directly. The buyer owes as much less at once, and is asked for no more than the rest; you get as much less from us. Before the invoice it is kept for it. Never more than is open.",
			body:  reflect.TypeFor[reportPayment](), example: `{"amount_cents":2500,"paid_on":"2026-11-24","description":"paid in store"}`, status: http.StatusCreated, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"order", "invoice", "invoice-settled", "invoice-state", "payment-amount"},
		},
		{
			method: http.MethodPost, path: "/v1/payments/{id}/reverse", scope: access.OrdersWrite, serve: (*API).reversePayment,
			id: "reversePayment", summary: "Take back such a report",
			about: "Undoes what the report did: the buyer owes the amount again, and an invoice that was settled gets a new due date. Answers with the order.",
			body:  reflect.TypeFor[nothing](), optional: true, example: `{}`, of: "The payment: rcp_….", status: http.StatusOK, answer: reflect.TypeFor[orderAnswer](),
			problems: []string{"payment", "payment-reversed", "payment-used", "invoice-state"},
		},
		{
			method: http.MethodGet, path: "/v1/orders/{id}/history", scope: access.OrdersRead, serve: (*API).getHistory,
			id: "getHistory", summary: "Read what happened to an order",
			about:  "The oldest first: what you did, what the clock did, money, holds, and what was written to the buyer.",
			status: http.StatusOK, answer: reflect.TypeFor[history](),
			problems: []string{"order"},
		},
		{
			method: http.MethodGet, path: "/v1/orders/{id}/file", scope: access.OrdersRead, serve: (*API).getFile,
			id: "getFile", summary: "Get a link to the invoice's file",
			about:  "A link that needs no key, for a mail or a page of your own: whoever has it gets the invoice as PDF, for seven days of real time. Each call makes a new one. There is a file once the invoice is issued.",
			status: http.StatusOK, answer: reflect.TypeFor[fileLink](),
			problems: []string{"order", "invoice"},
		},
		{
			method: http.MethodPost, path: "/v1/orders/{id}/messages", scope: access.OrdersWrite, serve: (*API).writeToBuyer,
			id: "writeToBuyer", summary: "Write to the buyer",
			about: "Mails your words to the buyer, in a frame in the buyer's language that says that they are yours and about this order. Plain text; addresses in it are written so that nobody can press them. Five a day about one order.",
			body:  reflect.TypeFor[newMessage](), example: `{"text":"Your parcel is at the neighbours."}`, status: http.StatusCreated, answer: reflect.TypeFor[messageAnswer](),
			problems: []string{"order", "message-limit", "buyer-unreachable", "no-mail"},
		},
		{
			method: http.MethodGet, path: "/v1/orders/{id}/invoice.html", scope: access.OrdersRead, serve: (*API).getInvoice,
			id: "getInvoice", summary: "Read the invoice as a document",
			about:  "The invoice as the buyer sees it: HTML that needs nothing from elsewhere.",
			status: http.StatusOK, problems: []string{"order", "invoice", "document-erased", "document-changed"},
		},
		{
			method: http.MethodGet, path: "/v1/invoices/{id}/pdf", scope: access.OrdersRead, serve: (*API).getInvoicePDF,
			id: "getInvoicePDF", summary: "Read an issued invoice as a file",
			about: "What was fixed when the invoice was issued, as PDF; it never changes. `ETag` is the SHA-256 of its bytes. The HTML form is the one for readers who need help from their software.",
			media: mediaPDF, of: "The invoice: inv_….", status: http.StatusOK, problems: []string{"invoice", "document-erased", "document-changed"},
		},
		{
			method: http.MethodGet, path: "/v1/invoices/{id}/data", scope: access.OrdersRead, serve: (*API).getInvoiceData,
			id: "getInvoiceData", summary: "Read an issued invoice as data",
			about: "An electronic invoice in UBL 2.1 by EN 16931, out of the same facts as the PDF; between companies of the Netherlands and Belgium it follows Peppol BIS Billing 3.0.",
			media: mediaXML, of: "The invoice: inv_….", status: http.StatusOK, problems: []string{"invoice", "document-erased"},
		},
		{
			method: http.MethodGet, path: "/v1/credits/{id}/data", scope: access.OrdersRead, serve: (*API).getCreditData,
			id: "getCreditData", summary: "Read a credit note as data",
			about: "A credit note in UBL 2.1 by EN 16931, which names its invoice.",
			media: mediaXML, of: "The credit note: cre_….", status: http.StatusOK, problems: []string{"credit-note", "document-erased"},
		},
		{
			method: http.MethodGet, path: "/v1/credits/{id}/pdf", scope: access.OrdersRead, serve: (*API).getCreditPDF,
			id: "getCreditPDF", summary: "Read a credit note as a file",
			about: "As PDF; it never changes. A credit that was made before the invoice has none: it shows on the invoice.",
			media: mediaPDF, of: "The credit note: cre_….", status: http.StatusOK, problems: []string{"credit-note", "document-erased", "document-changed"},
		},
		{
			method: http.MethodPost, path: "/v1/checkouts", scope: access.OrdersWrite, serve: (*API).openCheckout,
			id: "openCheckout", summary: "Open a hosted checkout",
			about: "Takes an order without its buyer and answers with a page of ours, on which the buyer fills in who they are and orders. Send the buyer's browser to `checkout_url`. " +
				"It comes back to exactly one of `return_urls`; to `success` only once the order is stored, so read the checkout or the order by your reference there. " +
				"The page lives for one hour. What you know of the buyer stands in its fields already, for the buyer to complete and correct.",
			body: reflect.TypeFor[newCheckout](), example: exampleCheckout, status: http.StatusCreated, answer: reflect.TypeFor[openedCheckout](),
			problems: []string{"order-reference", "merchant-inactive", "checkout-off"},
		},
		{
			method: http.MethodGet, path: "/v1/checkouts/{id}", scope: access.OrdersRead, serve: (*API).getCheckout,
			id: "getCheckout", summary: "Read a hosted checkout",
			about: "How it stands. After `declined` and `referred` the buyer may try again with other details as long as `ended_at` is null.",
			of:    "The checkout: chk_….", status: http.StatusOK, answer: reflect.TypeFor[checkoutAnswer](), problems: []string{"checkout", "checkout-off"},
		},
	}
}

// exampleOrder is accepted by every demo as it stands here.
const exampleOrder = `{"reference":"1001","currency":"EUR","prices":"incl_vat","total_cents":5040,
 "lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
 "buyer":{"kind":"consumer","email":"sanne@example.org","language":"nl","phone":"+31612345678","ip":"203.0.113.7","name":{"first":"Sanne","last":"de Vries"},"birth_date":"1990-05-01",
          "address":{"street":"Dorpsstraat","house_number":"1","house_number_suffix":"A","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`

// exampleCheckout is opened by every demo as it stands here.
const exampleCheckout = `{"reference":"2001","currency":"EUR","prices":"incl_vat","total_cents":5040,
 "lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
 "language":"nl","buyer":{"email":"sanne@example.org"},
 "return_urls":{"success":"https://shop.example/thanks?order=2001","failure":"https://shop.example/pay?order=2001","cancel":"https://shop.example/cart"}}`
