package invoices

import "achteraf/calendar"

// LatestTransfer is the last day on which an ordinary bank transfer arrives by the due day: two bank days earlier.
func LatestTransfer(due calendar.Date) calendar.Date { return latestTransfer(due) }
