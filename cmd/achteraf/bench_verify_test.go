package main

import "testing"

// TestBenchVerify: what the benchmark of the ledger and that of verify post is no difference to verify.
func TestBenchVerify(t *testing.T) {
	var o benchOptions
	o.Data, o.Merchants, o.Seconds, o.Clients, o.JSON = t.TempDir(), 1, 1, []int{8}, true
	if err := (&benchLedger{o}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := (&benchVerify{o, 2000}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
