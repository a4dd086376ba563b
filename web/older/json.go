package older

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"achteraf/web/page"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Calls of the JSON half, by the names that Config.Paths gives other addresses to.
const (
	callSession    = "session"
	callStanding   = "session-status"
	callSettings   = "webshop-settings"
	callCredit     = "credit"
	callStart      = "workflow-start"
	callSecret     = "webhook-secret"
	callOrderHook  = "order-webhook"
	callBuyerHook  = "session-webhook"
	callPayment    = "payment"
	callHold       = "on-hold"
	callResume     = "resume"
	callInfo       = "order-info"
	callMessage    = "message"
	callDispute    = "dispute"
	callList       = "invoices"
	callDownload   = "invoice-download"
	callNewAccount = "create"
)

// published are the addresses that plug-ins have built in. They cannot be changed.
var published = map[string]string{
	"session/create": callSession, "session/status": callStanding, "client/webshop-settings": callSettings, "client/invoice/credit": callCredit,
	"client/workflow/start": callStart, "client/webhook-v3/secret/generate": callSecret, "client/webhook-v3/set": callOrderHook,
	"session/webhook-v3/set": callBuyerHook,
}

// ours are the addresses of calls whose own were never published.
var ours = map[string]string{
	callPayment: "client/invoice/payment", callHold: "client/order/on-hold", callResume: "client/order/resume", callInfo: "client/order/info",
	callMessage: "client/order/message", callDispute: "client/dispute/create", callList: "client/invoices", callDownload: "client/invoices/download",
	callNewAccount: "client/create",
}

// jsonCall is one call of the JSON half.
type jsonCall struct {
	// real says that errors come with an HTTP status of their own; those of the other calls come with 200.
	real  bool
	serve func(*Wire, *call) (any, error)
	// strangers is the answer to a bad account, and missing that to an account that is not named; nil: the XML half's.
	strangers func() error
	missing   func(field string) error
}

var jsonCalls = map[string]jsonCall{
	callSession:    {true, (*Wire).openSession, noClient, blankClient},
	callStanding:   {true, (*Wire).sessionStatus, noClient, blankForm},
	callSettings:   {true, (*Wire).webshop, noClient, blankForm},
	callCredit:     {false, (*Wire).creditJSON, nil, nil},
	callStart:      {false, (*Wire).startJSON, nil, nil},
	callSecret:     {true, (*Wire).newSecret, unknownClient, missingParameter},
	callOrderHook:  {true, (*Wire).setOrderHook, unknownClient, missingParameter},
	callBuyerHook:  {true, (*Wire).setSessionHook, unknownClient, missingParameter},
	callPayment:    {false, (*Wire).paymentJSON, nil, nil},
	callHold:       {false, (*Wire).holdJSON, nil, nil},
	callResume:     {false, (*Wire).resumeJSON, nil, nil},
	callInfo:       {false, (*Wire).infoJSON, nil, nil},
	callMessage:    {false, (*Wire).messageJSON, nil, nil},
	callDispute:    {true, (*Wire).disputeJSON, noClient, nil},
	callList:       {true, (*Wire).listJSON, lostClient, notProvided},
	callDownload:   {true, (*Wire).downloadJSON, lostClient, notProvided},
	callNewAccount: {false, (*Wire).newAccountJSON, nil, nil},
}

// CheckPaths says what is wrong with other addresses for calls: names of no call whose address may be chosen, an address
// twice, or one that is not below /v2/.
func CheckPaths(paths map[string]string) error {
	seen := map[string]bool{}
	for name, path := range paths {
		rest, ok := strings.CutPrefix(strings.ToLower(path), "/v2/")
		switch {
		case ours[name] == "":
			return fmt.Errorf("no call of the older wire that may be moved is called %q", name)
		case !ok || rest == "" || rest != strings.Trim(rest, "/") || published[rest] != "" || seen[rest]:
			return fmt.Errorf("%s cannot be the address of %s", path, name)
		}
		seen[rest] = true
	}
	return nil
}

// table makes the addresses of the JSON half.
func table(paths map[string]string) map[string]string {
	out := map[string]string{}
	for path, name := range published {
		out[path] = name
	}
	for name, path := range ours {
		out[path] = name
	}
	for name, path := range paths {
		out[strings.ToLower(strings.TrimPrefix(path, "/v2/"))] = name
	}
	return out
}

// jsonName returns the name of the call of a path below /v2, however many slashes stand between; ours says that the
// path is of this half at all.
func (w *Wire) jsonName(path string) (name string, mine bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) < 2 || parts[0] != "v2" {
		return "", false
	}
	return w.paths[strings.ToLower(strings.Join(parts[1:], "/"))], true
}

// failed is an error of the JSON half where the code alone does not say all.
type failed struct {
	refusal
	http  int    // 0: by the call
	items []line // what became of each order
	top   string // a code beside the error
}

// stop is a refusal with an HTTP status, which is its code too.
func stop(status int, text string, args ...any) error {
	return &failed{refusal: refusal{status, fmt.Sprintf(text, args...)}, http: status}
}

func noClient() error      { return stop(404, "No client found with such billinkID or billinkUsername") }
func unknownClient() error { return stop(404, "Client not found") }
func lostClient() error    { return stop(404, "Client is not found") }

func missingParameter(field string) error { return stop(400, "%s parameter missing", field) }
func notProvided(field string) error      { return stop(400, "Field %s is not provided", field) }
func blankForm(field string) error        { return (&formErrors{}).blank(field).err() }
func blankClient(field string) error      { return blankForm("client." + field) }

// formErrors are what is wrong with the fields of a session, all at once.
type formErrors struct{ list []string }

func (f *formErrors) wrong(field, text string) *formErrors {
	f.list = append(f.list, field+": "+text)
	return f
}

func (f *formErrors) blank(field string) *formErrors {
	return f.wrong(field, "This value should not be blank.")
}

func (f *formErrors) invalid(field string) *formErrors {
	return f.wrong(field, "This value is not valid.")
}

func (f *formErrors) err() error {
	if len(f.list) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("The form contains the following errors:")
	for i, text := range f.list {
		fmt.Fprintf(&b, " %d) %s", i+1, text)
	}
	return stop(400, "%s", b.String())
}

// wrongJSON is what every error of this half looks like: each reader finds its own part.
type wrongJSON struct {
	Result   string    `json:"result"`
	Status   string    `json:"status"`
	Message  string    `json:"message"`
	Code     string    `json:"code,omitempty"`
	Error    wrongCode `json:"error"`
	Statuses []line    `json:"statuses,omitempty"`
}

type wrongCode struct {
	Code        string `json:"code"`
	Description string `json:"description"`
	Message     string `json:"message"`
}

// serveJSON answers one request of the JSON half.
func (w *Wire) serveJSON(rw http.ResponseWriter, r *http.Request, name string) {
	began := w.DB.Wall()
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		http.Error(rw, "This address takes POST only.", http.StatusMethodNotAllowed)
		return
	}
	kind := jsonCalls[name]
	c := &call{ctx: r.Context(), service: &service{name: "v2 " + name}, from: remote(r), network: page.Network(r)}
	out, err := w.readJSON(rw, r, c, kind)
	status, code, body := http.StatusOK, "", []byte(nil)
	if pdf, ok := out.(download); ok && err == nil {
		h.Set("Content-Type", "application/pdf")
		body = pdf
	} else {
		h.Set("Content-Type", "application/json")
		if err == nil {
			body, err = json.Marshal(out)
		}
		if err != nil {
			status, code, body = w.wrong(kind, err)
		}
	}
	w.log(c, began, code, err)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // a caller who has gone needs no answer
}

// wrong is the answer to an error.
func (w *Wire) wrong(kind jsonCall, err error) (status int, code string, body []byte) {
	status = http.StatusOK
	f, ok := err.(*failed)
	if !ok {
		f = &failed{refusal: *w.refusalOf(err)}
		if kind.real {
			switch f.code {
			case 601:
				f.http = http.StatusBadRequest
			case 703:
				f.http, f.text = http.StatusForbidden, "Access denied"
			default:
				f.http, f.text = http.StatusInternalServerError, "Something went wrong"
			}
			if f.http == http.StatusInternalServerError {
				code = "603"
			}
			f.code = f.http
		}
	}
	if f.http != 0 {
		status = f.http
	}
	said := fmt.Sprintf("%03d", f.code)
	body, _ = json.Marshal(wrongJSON{"ERROR", "error", f.text, f.top, wrongCode{said, f.text, f.text}, f.items}, jsontext.AllowInvalidUTF8(true))
	if code == "" {
		code = said
	}
	return status, code, body
}

// readJSON reads the message and lets its call answer. A panic fails this request and no other.
func (w *Wire) readJSON(rw http.ResponseWriter, r *http.Request, c *call, kind jsonCall) (out any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if kind.serve == nil {
		return nil, stop(404, "There is no such call")
	}
	if r.ContentLength > mostBytes {
		rw.Header().Set("Connection", "close")
		return nil, unreadable()
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, mostBytes)); err != nil {
		return nil, unreadable()
	}
	if c.api, err = parseJSON(c.body); err != nil {
		return nil, unreadable()
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil {
		c.query = query
	}
	if err := w.enterJSON(c, kind); err != nil {
		return nil, err
	}
	return kind.serve(w, c)
}

// enterJSON finds the account of a message: two members, at the top or in the object client.
func (w *Wire) enterJSON(c *call, kind jsonCall) error {
	client := c.api.kid("CLIENT")
	values := map[string]string{}
	for _, f := range []struct{ member, field string }{{"BILLINKUSERNAME", "billinkUsername"}, {"BILLINKID", "billinkID"}} {
		v := c.api.get(f.member)
		if v == "" {
			v = client.get(f.member)
		}
		if v == "" && kind.missing != nil {
			return kind.missing(f.field)
		}
		values[f.member] = v
	}
	workflow := c.api.get("WORKFLOWNUMBER")
	if workflow == "" {
		workflow = client.get("WORKFLOWNUMBER")
	}
	c.api.put("CLIENTUSERNAME", values["BILLINKUSERNAME"]).put("CLIENTID", values["BILLINKID"]).put("WORKFLOWNUMBER", workflow)
	err := w.recognise(c)
	if r, ok := err.(*refusal); ok && r.code == 101 && kind.strangers != nil {
		return kind.strangers()
	}
	return err
}

// parseJSON reads an object as the XML half reads a message: names in capitals without underscores, the members of an
// array as items. Numbers, strings and truth values are their texts; null is nothing.
func parseJSON(body []byte) (*node, error) {
	body = utf8Of(body)
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return nil, errUnreadable
	}
	r := reader{d: d}
	root := &node{name: "API"}
	if err := r.value(root, 0); err != nil {
		return nil, errUnreadable
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errUnreadable
	}
	return root, nil
}

type reader struct {
	d     *jsontext.Decoder
	nodes int
}

func (r *reader) value(into *node, depth int) error {
	if r.nodes++; depth > mostDepth || r.nodes > mostNodes {
		return errUnreadable
	}
	t, err := r.d.ReadToken()
	if err != nil {
		return err
	}
	switch kind := t.Kind(); kind {
	case '{', '[':
		for r.d.PeekKind() != kind+2 { // the closing mark
			name := "ITEM"
			if kind == '{' {
				t, err := r.d.ReadToken()
				if err != nil {
					return err
				}
				name = nameOf(t.String())
			}
			kid := &node{name: name}
			if err := r.value(kid, depth+1); err != nil {
				return err
			}
			into.kids = append(into.kids, kid)
		}
		_, err = r.d.ReadToken()
		return err
	case '"':
		into.text = []byte(t.String())
	case '0':
		into.text = []byte(plain(t.String()))
	case 't', 'f':
		into.text = []byte(t.String())
	}
	return nil
}

// plain writes a number without an exponent, which some languages send for small ones.
func plain(s string) string {
	at := strings.IndexAny(s, "eE")
	if at < 0 || len(s) > mostDigits {
		return s
	}
	if e, err := strconv.Atoi(s[at+1:]); err != nil || e > 15 || e < -25 {
		return s
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(20), "0"), ".")
}

// kid is the object of a name; one without anything where there is none.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return &node{name: name}
}

// put gives a message one more value.
func (n *node) put(name, text string) *node {
	n.kids = append(n.kids, &node{name: name, text: []byte(text)})
	return n
}

// raw is a value to the byte.
func (n *node) raw(name string) string { return string(n.kid(name).text) }

// has says whether there is a member with anything in it.
func (n *node) has(name string) bool {
	return slices.ContainsFunc(n.kids, func(k *node) bool { return k.name == name && (len(k.kids) > 0 || len(bytes.TrimSpace(k.text)) > 0) })
}

// line is what became of one order.
type line struct {
	Code    int    `json:"code"`
	Number  string `json:"invoiceNumber"`
	Message string `json:"message"`
}

// asXML makes the message that the XML half reads from one of this half, whose orders are called by number.
func (c *call) asXML(fields ...string) *call {
	api := &node{name: "API", kids: slices.Clone(c.api.kids)}
	list := &node{name: "INVOICES"}
	for _, n := range c.api.all("INVOICES") {
		item := &node{name: "ITEM", kids: slices.Clone(n.kids)}
		number := n.get("NUMBER", "INVOICENUMBER")
		if len(n.kids) == 0 { // a list of bare numbers
			number = strings.TrimSpace(string(n.text))
		}
		list.kids = append(list.kids, item.put("INVOICENUMBER", number))
	}
	api.kids = slices.DeleteFunc(api.kids, func(k *node) bool { return k.name == "INVOICES" })
	api.kids = append(api.kids, list)
	for i := 0; i+1 < len(fields); i += 2 {
		api.put(fields[i], fields[i+1])
	}
	out := *c
	out.api = api
	return &out
}

// listed answers a call about a list of orders as the XML half did: one line for each. Where the only order of a call
// failed, the answer is an error that any reader notices.
func listed(c *call, good int, body []byte, err error) ([]line, error) {
	items := c.itemsOf()
	if r, ok := err.(*refusal); ok && len(items) == 1 {
		return nil, &failed{refusal: *r, items: []line{{r.code, items[0].number, r.text}}}
	}
	if err != nil {
		return nil, err
	}
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	lines := []line{}
	for _, list := range root.kid("MSG").kids {
		for _, n := range list.kids {
			code, err := strconv.Atoi(n.get("CODE"))
			if err != nil {
				return nil, err
			}
			lines = append(lines, line{code, n.get("INVOICENUMBER"), n.get("MESSAGE")})
		}
	}
	if len(lines) == 1 && lines[0].Code != good {
		return nil, &failed{refusal: refusal{lines[0].Code, lines[0].Message}, items: lines}
	}
	return lines, nil
}
