package pspsim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"

	"achteraf/calendar"
	"achteraf/providers/camt"
)

// PayOut settles, and writes what the bank then tells: a statement in camt.053 with the one line that brings the
// money to Config.IBAN. It is false when there is nothing to pay out.
func (s *Simulator) PayOut(w io.Writer) (ok bool, err error) {
	t, ok := s.Settle()
	if !ok {
		return false, nil
	}
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		return true, err
	}
	day := zone.DateOf(t.At)
	head := camt.Statement{MessageID: "PSP-" + t.ID[len("stl_"):], ID: "PSP-" + t.Reference, Created: t.At, From: day, To: day, Page: 1, Last: true,
		IBAN: s.c.IBAN, Currency: "EUR"}
	line := camt.Line{Ref: t.ID, Entry: 1, BookedOn: day, ValueOn: day, Cents: t.Net, Currency: "EUR", Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT",
		PartyName: "Simulated payment provider", Text: fmt.Sprintf("Settlement %s", t.Reference)}
	return true, camt.Write(w, camt.V08, head, slices.Values([]camt.Line{line}))
}

// settle serves POST /settle: it pays out and answers with the bank's file, to be imported.
func (s *Simulator) settle(w http.ResponseWriter, _ *http.Request) {
	var file bytes.Buffer
	ok, err := s.PayOut(&file)
	switch {
	case err != nil:
		http.Error(w, "The statement cannot be written.", http.StatusInternalServerError)
	case !ok:
		http.Error(w, "Nothing was paid since the last settlement.", http.StatusConflict)
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("Content-Disposition", `attachment; filename="settlement.xml"`)
		w.Write(file.Bytes())
	}
}
