package verify

import "fmt"

// check holds an entry against the chart and its legs against each other.
func (e *entry) check(k *commit) error {
	wrong := func(want, got string) error { return differs("entries", "entries", k.entryName(e.n), want, got) }
	switch {
	case !merchantID(e.merchant):
		return wrong("a merchant", fmt.Sprintf("%q", e.merchant))
	case !wordOf(e.key):
		return wrong("a key of visible ASCII", fmt.Sprintf("%q", e.key))
	case !wordOf(e.kind):
		return wrong("a kind of visible ASCII", fmt.Sprintf("%q", e.kind))
	case len(e.currency) != 3 || !all(e.currency, upper):
		return wrong("a currency", fmt.Sprintf("%q", e.currency))
	case len(e.legs) < 2:
		return wrong("two legs at least", fmt.Sprint(len(e.legs)))
	}
	var sum int64
	for i := range e.legs {
		l := &e.legs[i]
		if err := e.checkLeg(k, l, int64(i)); err != nil {
			return err
		}
		next := sum + l.cents
		if (next > sum) != (l.cents > 0) {
			return wrong("legs that can be added up", "an overflow")
		}
		sum = next
	}
	if sum != 0 {
		return wrong("legs that sum to 0 "+e.currency, fmt.Sprintf("%d cents", sum))
	}
	return nil
}

func (e *entry) checkLeg(k *commit, l *leg, number int64) error {
	wrong := func(check, want, got string) error {
		return differs(check, "postings", fmt.Sprintf("%s, leg %d", k.entryName(e.n), l.number), want, got)
	}
	rule, known := chart[l.code]
	switch {
	case l.number != number:
		return wrong("entries", fmt.Sprintf("leg %d", number), fmt.Sprintf("leg %d", l.number))
	case l.merchant != e.merchant:
		return wrong("entries", "merchant "+e.merchant, l.merchant)
	case l.cents == 0:
		return wrong("entries", "an amount", "0 cents")
	case !known:
		return wrong("chart", "an account of the chart", fmt.Sprintf("%q", l.code))
	case rule.merchant && e.merchant == "operator":
		return wrong("chart", "no account of a merchant in an entry of the operator", l.code)
	case !rule.fits(l.subject):
		return wrong("chart", "a subject as the chart has it for "+l.code, fmt.Sprintf("%q", l.subject))
	}
	return nil
}
