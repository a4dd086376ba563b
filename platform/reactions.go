package platform

import (
	"context"

	"achteraf/access"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/invoices"
	"achteraf/messages"
	"achteraf/payments"
	"achteraf/web/older"
)

// reactions is what happens later: who runs a due row of which kind, how many share a transaction. The
// order is that in which kinds run when they are due at the same moment.
func reactions(p *Platform, mailOff bool) {
	const slice = invoices.SliceSize
	p.Scanner.On(invoices.DueHoldEnd, 100, p.Clerk.EndHolds)
	p.Scanner.On(invoices.DueIssue, slice, p.Clerk.Issue)
	p.Scanner.On(invoices.DueOverdue, slice, p.Clerk.Overdue)
	p.Scanner.On(invoices.DueLapse, 100, p.Clerk.Lapse)
	p.Scanner.On(checkout.FactEnded, slice, pass) // shops read how it ended
	jobs.Unheard(p.DB)
	switch {
	case p.Post != nil:
		p.Scanner.OnReady(invoices.FactAccepted, messages.SliceSize, p.Post.Tell)    // the confirmation of the order
		p.Scanner.OnReady(invoices.FactIssued, messages.SliceSize, p.Post.Tell)      // the invoice
		p.Scanner.OnReady(invoices.FactCopied, messages.SliceSize, p.Post.Tell)      // a copy of it for another address
		p.Scanner.OnReady(invoices.FactPaid, messages.SliceSize, p.Post.Tell)        // the payment has arrived
		p.Scanner.OnReady(invoices.FactCredited, messages.SliceSize, p.Post.Tell)    // what a credit changes
		p.Scanner.OnReady(invoices.FactDelayed, messages.SliceSize, p.Post.Tell)     // the bill comes later
		p.Scanner.OnReady(messages.DueShopText, messages.SliceSize, p.Post.Tell)     // what a shop writes to its buyer
		p.Scanner.OnReady(messages.DueAsked, messages.SliceSize, p.Post.Answer)      // somebody asked for an invoice
		p.Scanner.OnReady(access.DueSendLink, messages.SliceSize, p.SignIns.SendDue) // the sign-in mail
		p.Scanner.OnReady(access.DueArrived, messages.SliceSize, p.arrived)          // somebody signed in on a new device
		p.Scanner.OnOutside(messages.DueSend, messages.SendLimit, messages.SendCalls, p.Post.Send)
	case mailOff:
		facts := []string{invoices.FactAccepted, invoices.FactIssued, invoices.FactCopied, invoices.FactPaid, invoices.FactCredited, invoices.FactDelayed,
			messages.DueShopText, messages.DueAsked, access.DueSendLink, access.DueArrived}
		jobs.Unheard(p.DB, facts...)
		for _, fact := range facts { // planted while mails were on
			p.Scanner.On(fact, slice, pass)
		}
	}
	if p.older.Outbound != nil {
		p.Scanner.OnOutside(older.DueHook, 2*older.HookTime, older.HookCalls, p.older.Deliver)
	}
	if p.Buttons != nil {
		const limit, atOnce = payments.CallTime, payments.CallsAtOnce
		p.Scanner.OnOutside(payments.DueAsk, limit, atOnce, p.Buttons.Asked)
		p.Scanner.OnOutside(payments.DueFetch, limit, atOnce, p.Buttons.Fetch)
		p.Scanner.OnOutside(payments.DuePoll, limit, atOnce, p.Buttons.Poll)
		p.Scanner.OnOutside(payments.DueSettlements, limit, 1, p.Buttons.Settlements)
		p.Scanner.OnOutside(payments.DueSettle, payments.SettleTime, 1, p.Buttons.Settle)
	}
}

// pass lets a fact go by.
func pass(context.Context, *db.Tx, []jobs.Due) error { return nil }
