package buyer

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/reports"
	"achteraf/web/page"
)

const (
	mostSearch = 100 // bytes
	pageSize   = 25
)

// list is all bills, a page of them, as they are shown.
type list struct {
	reports.List
	search string
}

// bills serves GET /my/bills: every bill there is, however old.
func (p *Pages) bills(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	x := list{search: strings.ToValidUTF8(strings.TrimSpace(q.Get("q")), "")}
	x.search = strings.ToValidUTF8(x.search[:min(len(x.search), mostSearch)], "")
	number, _ := strconv.Atoi(q.Get("page")) // what is no number is the first page
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		x.List, err = p.Reports.Bills(r.Context(), tx, reports.Want{Handles: v.Handles, Search: x.search, Page: number, Size: pageSize})
		return err
	})
	if done {
		return err
	}
	v, t := p.view(r, x.Language, atOverview)
	v.Title, v.Narrow = t.AllBills, true
	return p.Look.Write(w, r, http.StatusOK, v, allBills(v, t, &x))
}

// at is the address of a page of the list.
func (x *list) at(v *page.View, number int) string {
	q := url.Values{}
	if x.search != "" {
		q.Set("q", x.search)
	}
	if number > 1 {
		q.Set("page", strconv.Itoa(number))
	}
	if len(q) == 0 {
		return v.Link("/my/bills")
	}
	return v.Link("/my/bills?" + q.Encode())
}

// shown says which part of the list this is.
func (x *list) shown(v *page.View, t *texts) string {
	l := v.Lang
	return t.FromTo.With("from", l.Number(x.From), "to", l.Number(x.From+len(x.Bills)-1), "all", l.Number(x.Found))
}

// ways lead to the pages before and after this one.
func (x *list) ways(v *page.View, t *texts) (all []page.Action) {
	if x.Page > 1 {
		all = append(all, page.Action{Text: t.Newer, Href: x.at(v, x.Page-1)})
	}
	if x.Page < x.Pages {
		all = append(all, page.Action{Text: t.Older, Href: x.at(v, x.Page+1)})
	}
	return all
}
