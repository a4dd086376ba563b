// Package calendar is time as the law and the banks see it: instants, civil dates, and open days.
//
// It owns the two kinds of time, the zones that lead from one to the other, and the holidays of
// debtors' countries and of the European payment system. It does not own the clock (cmd passes it
// in), what a term or a delay is worth (policy data), or how a date looks in a letter (messages).
//
// # What is always true
//
//   - An Instant is UTC in whole microseconds. Two that are the same moment are ==.
//   - A Date is a civil date without a zone, from 0001-01-01 to 9999-12-31, or none at all. Arithmetic
//     that would leave this range stops at its end.
//   - An instant becomes a date only in a named zone of the time zone database, never by a fixed offset.
//   - Days are added to dates, never 24 hours to instants. "Within n days after d" ends on d plus n:
//     the day of the event does not count.
//   - Nothing here asks what time it is or where the machine stands.
package calendar
