// Package platform builds a whole platform as a value: its stages, its surfaces, its jobs.
//
// It owns the wiring, the due rows' handlers, and the facts that mark a database (a demo, its log key). It
// does not own any rule of the business.
//
// # What is always true
//
//   - Everything that a platform needs comes in through New: database, clocks, keys, operator.
//   - A value starts no goroutine. A jobs.Runner of the process drives as many values as there are.
package platform

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/orders"
	"achteraf/payments"
	"achteraf/reports"
	"achteraf/risk"
	"achteraf/web/api"
	"achteraf/web/buyer"
	tillpage "achteraf/web/checkout"
	"achteraf/web/file"
	"achteraf/web/older"
	"achteraf/web/page"
	"achteraf/web/pay"
	"achteraf/web/psp"
	"achteraf/web/site"
)

// Config is what a platform is built from.
type Config struct {
	DB       *db.DB
	Vault    *vault.Vault
	LogKey   *ledger.Key
	Operator merchants.Operator
	Brand    page.Brand     // empty: the operator's name in our look
	Policies *risk.Policies // nil: those that ship with the platform
	// Mailer hands mails over. Without one, what is to be mailed waits for a process that has one; with MailOff it is
	// passed over for good.
	Mailer     messages.Mailer
	MailOff    bool
	MailDomain string // that mail comes from

	PSP       payments.PSP // nil: no bank button
	PublicURL string       // at which people and a PSP reach this platform, without a slash at the end; "": no pay links

	OlderPaths map[string]string // other addresses of calls of the older wire; see older.CheckPaths
	Outbound   *http.Client      // calls the webhooks of shops; nil: they wait for a process that has one

	Random io.Reader
	Log    *slog.Logger
	Demo   bool // the pages lead to what only a demonstration has
}

// plain says that people reach this platform without TLS: a demonstration on this machine.
func (c *Config) plain() bool { return c.Demo && !strings.HasPrefix(c.PublicURL, "https://") }

// checkoutURL is where checkouts are; "" without a public address.
func (c *Config) checkoutURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return c.PublicURL + tillpage.Path
}

// Platform is one whole platform.
type Platform struct {
	DB       *db.DB
	Operator merchants.Operator
	Vault    *vault.Vault
	Access   *access.Access
	Desk     *buyers.Desk
	Intake   *invoices.Intake
	Till     *invoices.Till
	Clerk    *invoices.Clerk
	Importer *payments.Importer
	Receipts *payments.Receipts
	Links    *invoices.Links
	Files    *invoices.Files
	Pages    *invoices.Pages // nil without a public address
	Post     *messages.Post  // nil without a Mailer
	Buttons  *payments.Desk  // nil without a PSP
	Reports  *reports.Reports
	SignIns  *access.SignIns
	Requests *messages.Requests // for invoices; nil where no mail is sent
	Mailer   messages.Mailer
	Scanner  *jobs.Scanner
	Sealer   *ledger.Sealer
	LogKey   *ledger.Key
	Look     *page.Look
	Accounts *older.Accounts // of the older wire

	older     *older.Wire
	hooks     *older.Hooks
	checkouts *checkout.Desk
	publicURL string
	log       *slog.Logger
	handler   http.Handler
}

// New builds a platform on a migrated database.
func New(c Config) (*Platform, error) {
	if c.Policies == nil {
		var err error
		if c.Policies, err = risk.Default(); err != nil {
			return nil, err
		}
	}
	p := &Platform{DB: c.DB, Mailer: c.Mailer, Operator: c.Operator, Vault: c.Vault, LogKey: c.LogKey, publicURL: c.PublicURL, log: c.Log}
	p.DB.BeforeCommit(ledger.Commit)
	p.Access = access.New(c.Vault, c.Random)
	p.Desk = buyers.NewDesk(c.Vault, c.Random)
	clerk, err := invoices.NewClerk(p.Desk, c.Operator)
	if err != nil {
		return nil, err
	}
	p.Clerk = clerk
	p.Links = invoices.NewLinks(c.Vault)
	p.Files = invoices.NewFiles(p.Links, c.PublicURL)
	if c.PublicURL != "" {
		p.Pages = invoices.NewPages(p.Links, c.PublicURL)
		clerk.UsePayPages(p.Pages.Of)
	}
	p.Intake = invoices.NewIntake(c.DB, p.Access, p.Desk, c.Policies, orders.NewReferences(c.DB, c.Random))
	p.checkouts = checkout.NewDesk(c.Vault, c.Random)
	p.Till = invoices.NewTill(c.DB, p.Access, p.checkouts, p.Intake, c.Vault, c.plain())
	p.Importer = payments.NewImporter(c.DB, c.Vault, clerk, c.Operator.ClientIBAN, c.Operator.OwnIBAN)
	p.Receipts = payments.NewReceipts(clerk, c.Vault)
	if c.PSP != nil {
		p.Buttons = payments.NewDesk(c.DB, c.Vault, clerk, c.PSP, webhook(c))
	}
	p.Accounts = older.NewAccounts(c.Vault, c.Random)
	p.Reports = reports.New(c.Operator)
	p.Sealer = ledger.NewSealer(c.LogKey)
	p.Scanner = jobs.NewScanner(c.DB, c.Random, c.Log)
	if c.Mailer != nil {
		p.Post, err = messages.New(messages.Config{DB: c.DB, Desk: p.Desk, Vault: c.Vault, Operator: c.Operator, Mailer: c.Mailer, Domain: c.MailDomain, PayLink: p.payLink(), CheckURL: checkURL(c.PublicURL), Clerk: p.Clerk})
		if err != nil {
			return nil, err
		}
	}
	p.older = older.New(older.Config{DB: c.DB, Vault: c.Vault, Accounts: p.Accounts, Access: p.Access, Intake: p.Intake, Clerk: p.Clerk,
		Receipts: p.Receipts, Files: p.Files, Post: p.Post, Till: p.Till, Desk: p.checkouts, CheckoutURL: c.checkoutURL(), Paths: c.OlderPaths,
		Outbound: c.Outbound, Random: c.Random, Log: c.Log, Demo: c.Demo})
	p.hooks = older.NewHooks(p.older)
	p.SignIns = access.NewSignIns(c.DB, c.Vault, p.Desk, c.Random, access.StandardLimits(), p.signInMail(c.PublicURL))
	if !c.MailOff {
		p.Requests = messages.NewRequests(c.DB, c.Vault, p.SignIns)
	}
	reactions(p, c.MailOff)
	if p.Look, err = page.New(page.Config{Operator: c.Operator, Brand: c.Brand, Ways: p.ways(), Log: c.Log}); err != nil {
		return nil, err
	}
	p.handler, err = p.routes(c)
	return p, err
}

// OlderWire serves the older wire.
func (p *Platform) OlderWire() *older.Wire { return p.older }

// Before lets what needs a request as it was sent see it before h, which may be a ServeMux.
func (p *Platform) Before(h http.Handler) http.Handler { return p.older.Before(h) }

// Handler serves people and programs.
func (p *Platform) Handler() http.Handler { return p.handler }

// Attach lets a runner drive the platform: what is due, the seals, the upkeep of the database, the end of
// what is kept for a while.
func (p *Platform) Attach(r *jobs.Runner) {
	r.Scanning("due", p.Scanner)
	p.Sealing(r)
	p.Upkeep(r)
	old := access.NewForgetter(p.DB)
	r.Add("forget answers", func(ctx context.Context) (bool, error) { return false, old.Step(ctx) })
	ended := access.NewSweeper(p.DB)
	r.Add("forget sign-ins", func(ctx context.Context) (bool, error) { return false, ended.Step(ctx) })
	checks := older.NewSweeper(p.DB)
	if p.older.Outbound != nil {
		r.Add("tell shops", p.hooks.Step)
	}
	r.Add("forget checks", func(ctx context.Context) (bool, error) { return false, checks.Step(ctx) })
	over := checkout.NewSweeper(p.DB, p.checkouts)
	r.Add("end checkouts", over.Step)
	watch := reports.NewWatch(p.DB)
	r.Add("watch that orders are seen", func(ctx context.Context) (bool, error) { return false, watch.Step(ctx) })
}

// Sealing lets a runner seal what is posted. What comes while it does so waits for the next round: many small seals
// would cost the writers more than few large ones.
func (p *Platform) Sealing(r *jobs.Runner) {
	r.Add("seal", func(ctx context.Context) (bool, error) {
		_, err := p.Sealer.Seal(ctx, p.DB)
		return false, err
	})
}

// Upkeep lets a runner look after the database alone, for a program that does its work by hand. Whoever writes
// much without it lets SQLite's log grow, and each read looks through the log first.
func (p *Platform) Upkeep(r *jobs.Runner) {
	r.Add("maintain", func(ctx context.Context) (bool, error) { return false, p.DB.Maintain(ctx) })
}

// Settle runs everything that is due and seals what was posted, until nothing is left.
func (p *Platform) Settle(ctx context.Context) error {
	if err := p.runDue(ctx); err != nil {
		return err
	}
	for {
		n, err := p.Sealer.Seal(ctx, p.DB)
		if err != nil || n == 0 {
			return err
		}
	}
}

// runDue runs everything that is due, and what shops are to be told of it.
func (p *Platform) runDue(ctx context.Context) error {
	for {
		if err := p.Scanner.RunUntilIdle(ctx); err != nil || p.older.Outbound == nil {
			return err
		}
		if news, err := p.hooks.Run(ctx); err != nil || !news {
			return err
		}
	}
}

// MoveTo moves business time on to an instant. On the way it stops at each moment at which something is
// due, so that what happens in three days happens in three days and not at the end of the move.
func (p *Platform) MoveTo(ctx context.Context, to calendar.Instant) error {
	if err := p.Settle(ctx); err != nil { // what is due now happens now
		return err
	}
	for {
		at, err := p.nextDue(ctx)
		if err != nil {
			return err
		}
		if at.IsZero() || !at.Before(to) {
			break
		}
		if err := p.step(ctx, at); err != nil {
			return err
		}
	}
	return p.step(ctx, to)
}

// step moves the clock, unless time has passed that moment already, and runs what is due.
func (p *Platform) step(ctx context.Context, at calendar.Instant) error {
	err := p.DB.MoveClock(ctx, at)
	if err != nil && !isBack(err) {
		return err
	}
	return p.Settle(ctx)
}

// nextDue is the next moment in the future at which something is due; zero when nothing is.
func (p *Platform) nextDue(ctx context.Context) (at calendar.Instant, err error) {
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		at, err = jobs.Next(ctx, tx)
		return err
	})
	return at, err
}

// Lag is how far the seals are behind, in wall time.
func (p *Platform) Lag(ctx context.Context) (lag time.Duration, err error) {
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		l, err := ledger.Lag(ctx, tx)
		lag = l.Age
		return err
	})
	return lag, err
}

func (p *Platform) routes(c Config) (http.Handler, error) {
	mux := http.NewServeMux()
	programs := api.New(api.Config{
		DB: p.DB, Intake: p.Intake, Clerk: p.Clerk, Receipts: p.Receipts, Reports: p.Reports, Post: p.Post, Access: p.Access, Wall: p.DB.Wall, Random: c.Random, Log: c.Log,
		CursorKeys: c.Vault.Derived("page cursor"), Document: p.document, Pages: p.Pages, Files: p.Files, Till: p.Till, CheckoutURL: c.checkoutURL(),
	})
	mux.Handle("/v1/", programs)
	mux.Handle("/problems/", programs)
	pages := site.Config{Look: p.Look}
	if c.Demo {
		pages.Demo = demoSurfaces
	}
	if p.ways().Check != "" {
		pages.Check = p.checkMessage
	}
	if p.Requests != nil {
		pages.Request = func(r *http.Request, x site.Wanted) error {
			return p.Requests.Ask(r.Context(), messages.Ask{Email: x.Email, Reference: x.Reference, Network: page.Network(r)})
		}
	}
	home, err := site.New(pages)
	if err != nil {
		return nil, err
	}
	home.Routes(mux)
	payPage, err := pay.New(pay.Config{DB: p.DB, Look: p.Look, Links: p.Links, Reports: reports.New(c.Operator), Pages: p.Pages, Buttons: p.Buttons})
	if err != nil {
		return nil, err
	}
	payPage.Routes(mux)
	file.New(file.Config{DB: p.DB, Links: p.Links, Clerk: p.Clerk, Log: c.Log}).Routes(mux)
	my, err := buyer.New(buyer.Config{DB: p.DB, Look: p.Look, SignIns: p.SignIns, Reports: p.Reports, Letters: messages.NewReader(c.Vault, p.Desk), Clerk: p.Clerk, Links: p.Links, Domain: c.MailDomain,
		Operator: c.Operator, Plain: c.plain(), Requests: p.Requests, AskPath: p.ways().Invoice})
	if err != nil {
		return nil, err
	}
	my.Routes(mux)
	till, err := tillpage.New(tillpage.Config{DB: p.DB, Look: p.Look, Till: p.Till, Operator: c.Operator, Plain: c.plain()})
	if err != nil {
		return nil, err
	}
	till.Routes(mux)
	p.Look.Routes(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", p.ready)
	if c.PSP != nil {
		mux.Handle("/psp/", psp.New(psp.Config{Provider: c.PSP.Name(), Secrets: webhookSecrets(c.Vault), Notice: p.Buttons.Notice, Wall: p.DB.Wall, Log: c.Log}))
	}
	p.logRoutes(mux)
	return p.Before(mux), nil
}

// signInMail writes the mail of a sign-in; a platform without a mailer never runs it, see reactions.
func (p *Platform) signInMail(public string) access.SendLink {
	return func(ctx context.Context, l access.Letter) (jobs.Finish, error) {
		link := ""
		if public != "" {
			link = public + buyer.LinkPath + l.Token
		}
		return p.Post.SignIn(ctx, messages.SignIn{ID: l.SignIn, To: l.Email, Language: l.Language, URL: link, Code: l.Code, Expires: l.ExpiresAt})
	}
}

// mostChecks is how often a network may ask within 15 minutes whether a message is ours: far from guessing a code.
const mostChecks = 60

// checkMessage says whether we sent the message of a code; nil when we did not. Error: Limited "rate-limit".
func (p *Platform) checkMessage(r *http.Request, typed string) (*site.Message, error) {
	var out *site.Message
	zone, err := calendar.ZoneOf(p.Operator.Country)
	if err != nil {
		return nil, err
	}
	err = p.DB.Write(r.Context(), func(tx *db.Tx) error {
		out = nil
		if err := p.SignIns.Knock(r.Context(), tx, "check", page.Network(r), mostChecks); err != nil {
			return err
		}
		k, ok, err := p.Post.Check(r.Context(), tx, typed)
		if ok {
			out = &site.Message{Code: k.Code, On: zone.DateOf(k.At)}
		}
		return err
	})
	return out, err
}

// ways are the pages of the site to which every page leads.
func (p *Platform) ways() (w page.Ways) {
	if p.Requests != nil {
		w.Invoice = site.RequestPath
	}
	if p.Post != nil && p.publicURL != "" {
		w.Check = site.CheckPath
	}
	return w
}

// checkURL is the page on which anybody can ask whether a mail is ours; "" without a public address.
func checkURL(public string) string {
	if public == "" {
		return ""
	}
	return public + site.CheckPath
}

// arrived writes to people of sign-ins on new devices, and returns what stores it.
func (p *Platform) arrived(ctx context.Context, due []jobs.Due) (jobs.Finish, error) {
	var stores []jobs.Finish
	for _, d := range due {
		var a access.Arrival
		var found bool
		err := p.DB.Read(ctx, func(tx *db.Tx) (err error) {
			a, found, err = p.SignIns.Arrived(ctx, tx, d.Subject)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		store, err := p.Post.Arrived(ctx, messages.Arrival{Session: a.Session, Proved: a.Proved, Device: a.Device, At: a.At, URL: p.myPage("/me")})
		if err != nil {
			return nil, err
		}
		stores = append(stores, store)
	}
	return func(ctx context.Context, tx *db.Tx) error {
		for _, store := range stores {
			if err := store(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// myPage is the address of a page of buyers, "" where the platform has no public address.
func (p *Platform) myPage(below string) string {
	if p.publicURL == "" {
		return ""
	}
	return p.publicURL + "/my" + below
}

// payLink is where mails lead; nil without a public address.
func (p *Platform) payLink() func(ctx context.Context, tx *db.Tx, merchant, invoice string) (string, error) {
	if p.Pages == nil {
		return nil
	}
	return func(ctx context.Context, tx *db.Tx, merchant, invoice string) (string, error) {
		pages, err := p.Pages.Of(ctx, tx, []invoices.Key{{Merchant: merchant, ID: invoice}})
		if err != nil {
			return "", err
		}
		return pages[0], nil
	}
}

// document renders the invoice of an order for its shop. Errors: NotFound "order", "invoice".
func (p *Platform) document(ctx context.Context, merchant, order string) ([]byte, error) {
	return p.Clerk.HandOut(ctx, p.DB, func(tx *db.Tx) (*invoices.Paper, error) {
		of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: merchant, ID: order}})
		if err != nil {
			return nil, err
		}
		if len(of[0]) == 0 {
			return nil, fault.Missing("invoice", "There is no such invoice.")
		}
		return p.Clerk.Invoice(ctx, tx, merchant, of[0][0].ID)
	}, (*invoices.Paper).HTML)
}

// webhook is the address to which the payment provider says that it has news.
func webhook(c Config) string {
	if c.PublicURL == "" {
		return ""
	}
	return c.PublicURL + psp.Path(c.PSP.Name(), webhookSecrets(c.Vault)[0])
}

// webhookSecrets are the part of that address which nobody else knows; all nodes derive the same. The first is given
// away; payments of before a rotation of the master key name another.
func webhookSecrets(v *vault.Vault) (all []string) {
	for _, key := range v.Derived("psp webhook") {
		all = append(all, hex.EncodeToString(key[:16]))
	}
	return all
}
