package platform

import (
	"achteraf/invoices"
	"achteraf/payments"
)

// reactions is what happens later: who runs a due row of which kind, how many share a transaction. The
// order is that in which kinds run when they are due at the same moment.
func reactions(p *Platform) {
	p.Scanner.On(invoices.DueIssue, invoices.SliceSize, p.Clerk.Issue)
	p.Scanner.On(invoices.DueOverdue, invoices.SliceSize, p.Clerk.Overdue)
	p.Scanner.On(invoices.DueLapse, 100, p.Clerk.Lapse)
	if p.Buttons != nil {
		const limit, atOnce = payments.CallTime, payments.CallsAtOnce
		p.Scanner.OnOutside(payments.DueAsk, limit, atOnce, p.Buttons.Asked)
		p.Scanner.OnOutside(payments.DueFetch, limit, atOnce, p.Buttons.Fetch)
		p.Scanner.OnOutside(payments.DuePoll, limit, atOnce, p.Buttons.Poll)
		p.Scanner.OnOutside(payments.DueSettlements, limit, 1, p.Buttons.Settlements)
		p.Scanner.OnOutside(payments.DueSettle, payments.SettleTime, 1, p.Buttons.Settle)
	}
}
