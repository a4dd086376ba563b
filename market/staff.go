package market

import (
	"context"
	"fmt"
	"time"

	"achteraf/internal/fault"
	"achteraf/platform"
)

// staffDay lets the operator's staff block a buyer now and then, lift a block some days later, and correct who the
// buyer of an order is. They have chance of their own: what they do draws nothing from what others decide.
func (w *World) staffDay(ctx context.Context, day int) error {
	w.at(day, 7*time.Hour)
	for _, p := range w.buyers {
		if p.block != "" && w.staff.IntN(8) == 0 {
			if err := w.lift(ctx, p); err != nil {
				return err
			}
		}
	}
	if len(w.orders) == 0 {
		return nil
	}
	if w.staff.IntN(5) == 0 {
		if err := w.blockOne(ctx); err != nil {
			return err
		}
	}
	if w.staff.IntN(4) == 0 {
		return w.correctOne(ctx)
	}
	return nil
}

// blockOne blocks what the buyer of some order showed with it: an address, or a name with its date of birth. Who comes
// back buys nothing more, and has to pay what was bought.
func (w *World) blockOne(ctx context.Context) error {
	o := w.orders[w.staff.IntN(len(w.orders))]
	kind := "address"
	if !o.person.company() && w.staff.IntN(2) == 0 {
		kind = "person"
	}
	if o.person.block != "" {
		return nil
	}
	ids, err := w.p.BlockBuyerOf(ctx, o.shop.id, o.id, []string{kind}, platform.Staff{By: "usr_1", Reason: "fraud"})
	if err != nil {
		return fmt.Errorf("block the buyer of %s: %w", o.ref, err)
	}
	w.count("blocked by staff")
	o.person.block = ids[0]
	return nil
}

func (w *World) lift(ctx context.Context, p *person) error {
	by := platform.Staff{By: "usr_2", Reason: "solved"}
	if err := platform.LiftBlock(ctx, w.p.DB, p.block, by); err != nil {
		return fmt.Errorf("lift %s: %w", p.block, err)
	}
	if err := platform.LiftBlock(ctx, w.p.DB, p.block, by); !fault.Is(err, "block") {
		return fmt.Errorf("%w: %s was lifted twice: %w", errModel, p.block, err)
	}
	w.count("block lifted")
	p.block = ""
	return nil
}

// correctOne gives some order's buyer another telephone number: what is open moves from one handle to the other.
func (w *World) correctOne(ctx context.Context) error {
	o := w.orders[w.staff.IntN(len(w.orders))]
	versions, err := w.p.ShowBuyer(ctx, o.shop.id, o.id, "usr_1")
	if err != nil {
		return fmt.Errorf("show the buyer of %s: %w", o.ref, err)
	}
	b := versions[len(versions)-1].Buyer
	b.Phone = fmt.Sprintf("+3162%07d", w.staff.IntN(10_000_000))
	w.count("buyer corrected")
	if err := w.p.CorrectBuyer(ctx, o.shop.id, o.id, b, platform.Staff{By: "usr_1", Reason: "the number was mistyped"}); err != nil {
		return fmt.Errorf("correct the buyer of %s: %w", o.ref, err)
	}
	return nil
}

// blocked counts the buyers that staff have blocked.
func (w *World) blocked() (n int64) {
	for _, p := range w.buyers {
		if p.block != "" {
			n++
		}
	}
	return n
}
