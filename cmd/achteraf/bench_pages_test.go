package main

import "testing"

// TestBenchPages: the benchmark of the pages reads no page of an error and no sign-in, on a database of its own and again
// on one that it began.
func TestBenchPages(t *testing.T) {
	b := benchPages{Invoices: 24, Buyers: 2}
	b.Data, b.Merchants, b.Seconds, b.Preload = t.TempDir(), 1, 1, 60
	for range 2 {
		s, done, err := b.stage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.listen()
		if err != nil {
			t.Fatal(err)
		}
		if err := b.invite(t.Context(), s, h); err != nil {
			t.Fatal(err)
		}
		if err := s.preload(t.Context(), b.Preload); err != nil {
			t.Fatal(err)
		}
		guests, err := b.signIn(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		f, err := b.once(t.Context(), s, h, 2, guests)
		if err != nil || f.Errors > 0 || f.Rate == 0 || len(guests[0].orders) != 24 {
			t.Errorf("%+v, %v", f, err)
		}
		h.close()
		done()
	}
}
