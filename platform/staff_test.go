package platform_test

import (
	"fmt"
	"slices"
	"testing"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/platform"
)

// acts returns what the record says that staff did, in the order in which they did it.
func (w *world) acts() (all []string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.Each(w.t.Context(), `
select merchant_id, actor, act, subject, reason from audit where act like 'block.%' or act like 'buyer.%' order by id`, nil, func(r db.Row) error {
			var merchant, actor, act, subject, reason string
			err := r.Scan(&merchant, &actor, &act, &subject, &reason)
			all = append(all, fmt.Sprint(merchant, " ", actor, " ", act, " ", subject, " ", reason))
			return err
		})
	}))
	return all
}

// Each act of staff is on record with who and why, and one that is refused leaves nothing: neither record nor block. A
// correction changes what the buyer says and not what was seen of the order.
func TestStaffActs_S_CHK_15_S_SEC_04(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, nil)
		w.place(0)
		placed := w.of("order.accepted")[0]
		merchant, order := placed.Merchant, placed.Subject
		staff := platform.Staff{By: "usr_1", Reason: "fraud"}
		lifting := platform.Staff{By: "usr_2", Reason: "mistake"}

		ids, err := w.BlockBuyerOf(t.Context(), merchant, order, []string{"person", "ip"}, staff)
		w.must(err)
		// What is blocked already, or named twice, is blocked once, as it was.
		again, err := w.BlockBuyerOf(t.Context(), merchant, order, []string{"person", "person"}, platform.Staff{By: "usr_5", Reason: "abuse"})
		if w.must(err); !slices.Equal(again, ids[:1]) {
			t.Errorf("blocked again: %v, not %v", again, ids[:1])
		}
		w.must(platform.LiftBlock(t.Context(), d, ids[1], lifting))
		shown, err := w.ShowBuyer(t.Context(), merchant, order, "usr_3")
		w.must(err)
		right := shown[0].Buyer
		right.Name.Last, right.IP = "Koper", "198.51.100.1"
		w.must(w.CorrectBuyer(t.Context(), merchant, order, right, platform.Staff{By: "usr_4", Reason: "the last name was mistyped"}))
		want := []string{"operator usr_1 block.set " + ids[0] + " fraud", "operator usr_1 block.set " + ids[1] + " fraud",
			"operator usr_2 block.lifted " + ids[1] + " mistake", merchant + " usr_3 buyer.shown " + order + " ", merchant + " usr_4 buyer.corrected " + order + " "}
		if got := w.acts(); !slices.Equal(got, want) {
			t.Errorf("on record: %q, not %q", got, want)
		}
		versions, err := w.ShowBuyer(t.Context(), merchant, order, "usr_3")
		w.must(err)
		if v := versions[len(versions)-1]; len(versions) != 2 || v.Buyer.Name.Last != "Koper" || v.Buyer.IP != "203.0.113.7" || v.ChangedBy != "usr_4" ||
			versions[0].Buyer.Name.Last != "Koper 1" {
			t.Errorf("versions %+v", versions)
		}

		before := w.acts()
		for what, c := range map[string]struct {
			code string
			err  error
		}{
			"one kind of two is not there":  {"block-kind", of(w.BlockBuyerOf(t.Context(), merchant, order, []string{"address", "delivery"}, staff))},
			"nothing to block":              {"block-kind", of(w.BlockBuyerOf(t.Context(), merchant, order, nil, staff))},
			"another shop's order":          {"identity", of(w.BlockBuyerOf(t.Context(), "mer_other", order, []string{"ip"}, staff))},
			"a form with a mistake":         {"fields", of(w.Block(t.Context(), buyers.Buyer{IP: "192.0.2.1"}, []string{"ip", "address"}, staff))},
			"a block that is lifted":        {"block", platform.LiftBlock(t.Context(), d, ids[1], lifting)},
			"seen by nobody":                {"staff", of(w.ShowBuyer(t.Context(), merchant, order, ""))},
			"corrected by nobody":           {"staff", w.CorrectBuyer(t.Context(), merchant, order, right, platform.Staff{Reason: "why"})},
			"corrected without a reason":    {"correction-reason", w.CorrectBuyer(t.Context(), merchant, order, right, platform.Staff{By: "usr_4"})},
			"another shop's order is wrong": {"order", w.CorrectBuyer(t.Context(), "mer_other", order, right, platform.Staff{By: "usr_4", Reason: "why"})},
		} {
			if !fault.Is(c.err, c.code) {
				t.Errorf("%s: %v, not %s", what, c.err, c.code)
			}
		}
		if got := w.acts(); !slices.Equal(got, before) {
			t.Errorf("refused, and on record: %q", got[len(before):])
		}
		w.must(d.Read(t.Context(), func(tx *db.Tx) error {
			list, err := buyers.Blocks(t.Context(), tx, "", 10)
			if len(list) != 1 || list[0].ID != ids[0] {
				t.Errorf("blocked: %+v", list)
			}
			return err
		}))
		w.verify()
	})
}

func of[T any](_ T, err error) error { return err }
