package platform

import "achteraf/invoices"

// reactions is what happens later: who runs a due row of which kind, how many share a transaction. The
// order is that in which kinds run when they are due at the same moment.
func reactions(p *Platform) {
	p.Scanner.On(invoices.DueIssue, invoices.SliceSize, p.Clerk.Issue)
	p.Scanner.On(invoices.DueOverdue, invoices.SliceSize, p.Clerk.Overdue)
	p.Scanner.On(invoices.DueLapse, 100, p.Clerk.Lapse)
}
