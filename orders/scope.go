package orders

import "fmt"

// ScopeFacts are what decides whether an order is credit within the Consumer Credit Directive.
type ScopeFacts struct {
	Consumer bool
	Model    string // own, collected, guaranteed
	TermDays int64  // from delivery to the last day of payment
}

// scopeVersion names the rule: Directive (EU) 2023/2225 art. 2(2)(h), applied from 2026-11-20.
const scopeVersion = "ccd2-2026-11"

// Scope answers whether an order falls under the directive and why, as "version/answer/reason". A claim
// that the operator buys is credit by a third party; a seller's own free deferral of at most 50 days is not.
func Scope(f ScopeFacts) string {
	answer := "outside/free-deferral-by-seller"
	switch {
	case !f.Consumer:
		answer = "outside/not-a-consumer"
	case f.Model == "guaranteed":
		answer = "inside/claim-bought-by-third-party"
	case f.TermDays > 50:
		answer = "inside/more-than-50-days"
	}
	return fmt.Sprintf("%s/%s", scopeVersion, answer)
}
