package shop

import "github.com/a-h/templ"

// good is something to buy.
type good struct {
	slug       string
	cents      int64 // VAT included
	vat        int64 // percent
	tile       string
	art        func() templ.Component
	name, text func(*texts) string
}

// goods is what the shop sells, in the order of its window. In the Netherlands food and books carry 9 % VAT.
var goods = [...]good{
	{"mug", 14_50, 21, "sand", mug, func(t *texts) string { return t.Mug }, func(t *texts) string { return t.MugText }},
	{"teapot", 46_00, 21, "sage", teapot, func(t *texts) string { return t.Teapot }, func(t *texts) string { return t.TeapotText }},
	{"vase", 34_50, 21, "sky", vase, func(t *texts) string { return t.Vase }, func(t *texts) string { return t.VaseText }},
	{"lamp", 89_00, 21, "dusk", lamp, func(t *texts) string { return t.Lamp }, func(t *texts) string { return t.LampText }},
	{"bowl", 18_50, 21, "sky", bowl, func(t *texts) string { return t.Bowl }, func(t *texts) string { return t.BowlText }},
	{"tea", 9_75, 9, "sand", tea, func(t *texts) string { return t.Tea }, func(t *texts) string { return t.TeaText }},
	{"plant", 24_00, 21, "rose", plant, func(t *texts) string { return t.Plant }, func(t *texts) string { return t.PlantText }},
	{"candle", 22_50, 21, "sage", candle, func(t *texts) string { return t.Candle }, func(t *texts) string { return t.CandleText }},
	{"throw", 64_00, 21, "rose", throw, func(t *texts) string { return t.Throw }, func(t *texts) string { return t.ThrowText }},
	{"honey", 8_50, 9, "dusk", honey, func(t *texts) string { return t.Honey }, func(t *texts) string { return t.HoneyText }},
	{"book", 24_95, 9, "sage", book, func(t *texts) string { return t.Book }, func(t *texts) string { return t.BookText }},
	{"board", 29_50, 21, "sky", board, func(t *texts) string { return t.Board }, func(t *texts) string { return t.BoardText }},
}

func bySlug(slug string) (*good, bool) {
	for i := range goods {
		if goods[i].slug == slug {
			return &goods[i], true
		}
	}
	return nil, false
}
