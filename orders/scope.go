package orders

import "fmt"

// ScopeFacts are what decides whether an order is credit within the Consumer Credit Directive.
type ScopeFacts struct {
	Consumer    bool
	Country     string // the buyer's
	Model       string // own, collected, guaranteed
	Large       bool   // the seller is no micro, small or medium-sized enterprise (Recommendation 2003/361/EC)
	Marketplace bool   // others sell through the seller's shop too
	TermDays    int64  // from delivery to the last day of payment
}

// scopeVersion names the rule: Directive (EU) 2023/2225 art. 2(2)(h), applied from 2026-11-20, and for buyers in the
// Netherlands art. 7:58(2)(d) and (e) BW as in bill 36924.
const scopeVersion = "ccd2-2026-11"

// Days from delivery within which a seller's own free deferral is no credit. All our sellers sell at a distance.
const (
	freeDays      = 50
	freeDaysLarge = 14
)

// Scope answers whether an order falls under the directive and why, as "version/answer/reason". A claim
// that the operator buys is credit by a third party; a seller's own free deferral is not, for at most 50 days,
// or 14 of a large seller.
func Scope(f ScopeFacts) string {
	answer, days := "outside/free-deferral-by-seller", int64(freeDays)
	if f.Large {
		days = freeDaysLarge
	}
	switch {
	case !f.Consumer:
		answer = "outside/not-a-consumer"
	case f.Model == "guaranteed":
		answer = "inside/claim-bought-by-third-party"
	case f.Marketplace && f.Country == "NL":
		answer = "inside/seller-is-a-platform"
	case f.TermDays > days:
		answer = fmt.Sprintf("inside/more-than-%d-days", days)
	}
	return fmt.Sprintf("%s/%s", scopeVersion, answer)
}
