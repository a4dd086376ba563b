package platform

import (
	"context"
	"slices"
	"strings"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/orders"
)

// ofOperator is the shop of acts that concern no shop.
const ofOperator = "operator"

// Staff says who of the operator acts, and why: a code.
type Staff struct{ By, Reason string }

// Block declines all later orders with what b shows of these kinds, and returns the ids of the blocks. Errors: Invalid
// "fields", and those of buyers.Block.
func (p *Platform) Block(ctx context.Context, b buyers.Buyer, kinds []string, s Staff) (ids []string, err error) {
	if b.Kind == "" {
		b.Kind = buyers.Consumer
	}
	err = p.DB.Write(ctx, func(tx *db.Tx) error {
		b := b // a try must not see what the one before made of it
		var wrong []fault.Field
		for _, kind := range kinds {
			wrong = append(wrong, b.CheckBlock(kind, b.Today(tx.Now))...)
		}
		if len(wrong) > 0 {
			return fault.At("fields", "Some fields are not right.", wrong...)
		}
		ids, err = p.block(ctx, tx, &b, kinds, s)
		return err
	})
	return ids, err
}

// BlockBuyerOf blocks what the buyer of an order or attempt showed last, of these kinds, and returns the ids of the
// blocks. Errors: NotFound "identity", and those of buyers.Block.
func (p *Platform) BlockBuyerOf(ctx context.Context, merchant, order string, kinds []string, s Staff) (ids []string, err error) {
	err = p.DB.Write(ctx, func(tx *db.Tx) error {
		versions, err := p.identities(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		ids, err = p.block(ctx, tx, &versions[len(versions)-1].Buyer, kinds, s)
		return err
	})
	return ids, err
}

func (p *Platform) block(ctx context.Context, tx *db.Tx, b *buyers.Buyer, kinds []string, s Staff) (ids []string, err error) {
	if len(kinds) == 0 {
		return nil, fault.Bad("block-kind", "Say what to block: %s.", strings.Join(buyers.BlockKinds, ", "))
	}
	for _, kind := range kinds {
		id, set, err := p.Desk.Block(ctx, tx, kind, b, s.Reason, s.By)
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, id) {
			continue // named twice, or delivered to the address of the invoice
		}
		ids = append(ids, id)
		if !set {
			continue
		}
		act := access.Act{Merchant: ofOperator, Actor: s.By, Act: "block.set", Subject: id, Reason: s.Reason}
		if err := access.Audit(ctx, tx, act); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// LiftBlock ends a block. Errors: those of buyers.Lift.
func LiftBlock(ctx context.Context, d *db.DB, id string, s Staff) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		if err := buyers.Lift(ctx, tx, id, s.Reason, s.By); err != nil {
			return err
		}
		return access.Audit(ctx, tx, access.Act{Merchant: ofOperator, Actor: s.By, Act: "block.lifted", Subject: id, Reason: s.Reason})
	})
}

// CorrectBuyer gives a decided order's buyer a new version, as it should have been. The reason is a sentence about
// the correction. Errors: those of invoices.Correct, Invalid "staff".
func (p *Platform) CorrectBuyer(ctx context.Context, merchant, order string, b buyers.Buyer, s Staff) error {
	if !buyers.StaffID(s.By) {
		return buyers.NoStaff()
	}
	return p.DB.Write(ctx, func(tx *db.Tx) error {
		if err := p.Clerk.Correct(ctx, tx, merchant, order, b, s.By, s.Reason); err != nil {
			return err
		}
		return access.Audit(ctx, tx, access.Act{Merchant: merchant, Actor: s.By, Act: "buyer.corrected", Subject: order})
	})
}

// ShowBuyer returns every version of who the buyer of an order or attempt is, the one that was decided on first, and
// keeps on record who looked. Errors: Invalid "staff", NotFound "identity".
func (p *Platform) ShowBuyer(ctx context.Context, merchant, order, by string) (all []buyers.Identity, err error) {
	if !buyers.StaffID(by) {
		return nil, buyers.NoStaff()
	}
	err = p.DB.Write(ctx, func(tx *db.Tx) error {
		if all, err = p.identities(ctx, tx, merchant, order); err != nil {
			return err
		}
		return access.Audit(ctx, tx, access.Act{Merchant: merchant, Actor: by, Act: "buyer.shown", Subject: order})
	})
	return all, err
}

// identities takes the id of an order, or of an attempt that became none.
func (p *Platform) identities(ctx context.Context, tx *db.Tx, merchant, id string) ([]buyers.Identity, error) {
	o, err := orders.One(ctx, tx, merchant, id)
	if fault.Is(err, "order") {
		return p.Desk.Identities(ctx, tx, merchant, id)
	}
	if err != nil {
		return nil, err
	}
	return p.Desk.Identities(ctx, tx, merchant, o.Attempt)
}
