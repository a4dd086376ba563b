// Package achteraf is an open, self-hosted platform for paying after delivery. This folder is its map.
//
// It owns the rules of the repository, which are its tests. It does not own any code of the platform.
//
// A webshop sends an order. The platform checks the buyer and accepts or refuses in a moment, invoices the
// buyer, collects the money, chases what is late within the law, pays the shop, and shows every cent to
// everyone whose cent it is. The folders are the stages of that life, in its order; one that is not there
// yet has nothing in it yet:
//
//	money        whole cents with a currency: adding, splitting, rates, rounding
//	calendar     civil dates, bank days, payment terms, instants
//	verify       re-derives balances and totals from the rows; trusts no code it audits
//	ledger       accounts, balanced postings, the sealed journal and its proofs
//	merchants    shops, contracts, fees, settlement terms
//	buyers       people and companies who pay later: handles, persons, sealed snapshots
//	access       keys, sign-in, roles, four eyes, and the record of who did what
//	checkout     one offer to pay later: cart, buyer, terms, expiry
//	risk         checks and limits that end in one stored, explained decision
//	orders       the order and its states
//	deliveries   goods on their way and back
//	invoices     numbers, lines, VAT, due dates, holds, credit notes, the document itself
//	payments     money through the bank: statements in, matching, transfers out
//	dunning      reminders, legal fees, pauses, hand-over
//	disputes     complaints and their outcome
//	support      cases, conversations, help articles
//	payouts      what we owe merchants, settled and explained
//	messages     mails, SMS and letters: templates and delivery
//	webhooks     signed events to merchants
//	reports      read-only questions across all stages; writes no table
//
// Around them stand the outside, the surfaces and the plumbing:
//
//	providers    one folder for each outside party
//	web          what people and programs talk to: api, the pages (site, design) and their look (page)
//	platform     one whole platform as a value; what happens next, in reactions.go
//	market       the simulated world that drives a platform
//	cmd          the program; the only place that names the real clock and real chance
//	internal     plumbing that knows no business word: db, jobs, events, fault, vault, words …
//	migrations   one template for each change of the schema, for both engines
//	stories      the whole program as text that a lawyer can follow
//	docs         decisions, terms, tables, problems, and what proves each requirement
//
// # What is always true
//
//   - A stage imports earlier stages only: backward by call in the same transaction, forward by event through
//     platform/reactions.go. A use case lives in the last stage it touches.
//   - One package writes a table. What writes takes a *db.Tx, so nothing escapes its transaction.
//   - The package that needs an outside party declares the small interface; providers implements it.
//   - Personal data is in sealed columns only, each with its purpose and its retention.
//   - Time and chance are passed in.
//
// The tests beside this file hold the repository to it. docs/an-orders-life.md walks one order through the code.
package achteraf
