package pspsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/money"
)

// mostBytes is how long a message may be.
const mostBytes = 64 << 10

// answer is what is remembered for an idempotency key.
type answer struct {
	request string
	at      calendar.Instant
	status  int
	body    []byte
}

type amount struct {
	Currency string `json:"currency"`
	Value    string `json:"value"`
}

func euros(cents int64) amount { return amount{"EUR", money.EUR(cents).Decimal()} }

type request struct {
	Amount      amount          `json:"amount"`
	Description string          `json:"description"`
	RedirectURL string          `json:"redirectUrl"`
	WebhookURL  string          `json:"webhookUrl"`
	Method      []string        `json:"method"`
	Locale      string          `json:"locale"`
	Metadata    json.RawMessage `json:"metadata"`
}

func (s *Simulator) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /v2/payments", s.api(s.create))
	s.mux.HandleFunc("GET /v2/payments/{id}", s.api(s.read))
	s.mux.HandleFunc("GET /v2/settlements", s.api(s.listSettlements))
	s.mux.HandleFunc("GET /v2/settlements/{id}/payments", s.api(s.listSettled))
	s.mux.HandleFunc("GET /checkout/{id}", s.page)
	s.mux.HandleFunc("POST /checkout/{id}", s.chosen)
	s.mux.HandleFunc("POST /settle", s.settle)
	s.mux.HandleFunc("GET /style.css", style)
}

// problem is a refusal in the form of the API.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`
}

func (p *problem) Error() string { return p.Title }

func no(status int, field, detail string) *problem {
	return &problem{status, http.StatusText(status), detail, field}
}

// api adapts a call: its credential, the faults that were ordered, and the form of its answer.
func (s *Simulator) api(f func(r *http.Request) (status int, body any, err *problem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		s.expire()
		var fault *Fault
		if len(s.faults) > 0 {
			fault, s.faults = &s.faults[0], s.faults[1:]
		}
		if fault != nil && !fault.After {
			breakDown(w, *fault)
			return
		}
		want := s.c.Key
		if strings.HasPrefix(r.URL.Path, "/v2/settlements") {
			want = s.c.Token
		}
		var status int
		var body any
		var p *problem
		if got := r.Header.Get("Authorization"); want == "" || got != "Bearer "+want {
			p = no(http.StatusUnauthorized, "", "Missing authentication, or failed to authenticate")
		} else {
			r.Body = http.MaxBytesReader(w, r.Body, mostBytes)
			status, body, p = f(r)
		}
		if fault != nil {
			breakDown(w, *fault)
			return
		}
		if p != nil {
			status, body = p.Status, p
		}
		if replayed, ok := body.(answer); ok {
			w.Header().Set("Idempotent-Replayed", "true")
			body = json.RawMessage(replayed.body)
		}
		w.Header().Set("Content-Type", "application/hal+json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

func breakDown(w http.ResponseWriter, f Fault) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if f.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(f.Status)
}

// create serves POST /v2/payments.
func (s *Simulator) create(r *http.Request) (int, any, *problem) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, no(http.StatusBadRequest, "", "The body did not arrive whole")
	}
	now, key := s.c.Now(), r.Header.Get("Idempotency-Key")
	if old, ok := s.answers[key]; ok && now.Sub(old.at) < keyTime {
		if old.request != string(text) {
			return 0, nil, no(http.StatusBadRequest, "", "The idempotency key was used with other parameters")
		}
		return old.status, old, nil
	}
	p, wrong := s.newPayment(text, now)
	if wrong != nil {
		return 0, nil, wrong
	}
	s.payments[p.ID] = p
	s.made = append(s.made, p)
	body, err := json.Marshal(s.body(p))
	if err != nil {
		return 0, nil, no(http.StatusInternalServerError, "", "This cannot be written")
	}
	if key != "" {
		s.answers[key] = answer{string(text), now, http.StatusCreated, body}
	}
	return http.StatusCreated, json.RawMessage(body), nil
}

// banks are the methods that are simulated: what people pay with from their bank account.
var banks = []string{"ideal", "kbc", "belfius"}

func (s *Simulator) newPayment(text []byte, now calendar.Instant) (*Payment, *problem) {
	var in request
	if json.Unmarshal(text, &in) != nil {
		return nil, no(http.StatusBadRequest, "", "The body is not JSON")
	}
	value, err := money.ParseDecimal(in.Amount.Value, in.Amount.Currency)
	_, decimals, _ := strings.Cut(in.Amount.Value, ".")
	switch {
	case err != nil || len(decimals) != 2:
		return nil, no(http.StatusUnprocessableEntity, "amount", "The amount contains an invalid value")
	case value.Cents < 1:
		return nil, no(http.StatusUnprocessableEntity, "amount", "The amount is lower than the minimum")
	case in.Description == "":
		return nil, no(http.StatusUnprocessableEntity, "description", "The description is missing")
	case !strings.HasPrefix(in.RedirectURL, "http"):
		return nil, no(http.StatusUnprocessableEntity, "redirectUrl", "The redirect URL is invalid")
	case in.WebhookURL != "" && !strings.HasPrefix(in.WebhookURL, "http"):
		return nil, no(http.StatusUnprocessableEntity, "webhookUrl", "The webhook URL is invalid")
	case slices.ContainsFunc(in.Method, func(m string) bool { return !slices.Contains(banks, m) }):
		return nil, no(http.StatusUnprocessableEntity, "method", "The payment method is not activated")
	}
	if len(in.Metadata) == 0 {
		in.Metadata = json.RawMessage("null")
	}
	description := []rune(in.Description)
	return &Payment{ID: "tr_" + s.word(), Status: Open, Cents: value.Cents, Description: string(description[:min(len(description), 255)]),
		Metadata: string(in.Metadata), Return: in.RedirectURL, Webhook: in.WebhookURL, Method: in.Method, MadeAt: now,
		ExpiresAt: now.Add(sessionTime)}, nil
}

// body is a payment in the form of the API.
func (s *Simulator) body(p *Payment) map[string]any {
	links := map[string]any{"self": link(s.c.Public + "/v2/payments/" + p.ID)}
	b := map[string]any{"resource": "payment", "id": p.ID, "mode": "test", "status": p.Status, "createdAt": moment(p.MadeAt),
		"amount": euros(p.Cents), "description": p.Description, "method": nil, "metadata": json.RawMessage(p.Metadata),
		"redirectUrl": p.Return, "_links": links}
	if p.Webhook != "" {
		b["webhookUrl"] = p.Webhook
	}
	if p.Status == Open {
		b["expiresAt"] = moment(p.ExpiresAt)
		links["checkout"] = link(s.c.Public + "/checkout/" + p.ID)
	}
	return b
}

func link(href string) map[string]string { return map[string]string{"href": href, "type": "text/html"} }

// moment is an instant as the API writes it: ISO 8601 with an offset.
func moment(i calendar.Instant) string {
	return i.Time().Truncate(time.Second).Format("2006-01-02T15:04:05-07:00")
}

// read serves GET /v2/payments/{id}.
func (s *Simulator) read(r *http.Request) (int, any, *problem) {
	p := s.payments[r.PathValue("id")]
	if p == nil {
		return 0, nil, no(http.StatusNotFound, "", "No payment exists with this token")
	}
	return http.StatusOK, s.body(p), nil
}

// listSettlements serves GET /v2/settlements.
func (s *Simulator) listSettlements(*http.Request) (int, any, *problem) {
	all := []any{}
	for _, t := range slices.Backward(s.settlements) {
		all = append(all, map[string]any{"resource": "settlement", "id": t.ID, "reference": t.Reference, "settledAt": moment(t.At),
			"status": "paidout", "amount": euros(t.Net)})
	}
	return http.StatusOK, list("settlements", all[:min(len(all), 50)], ""), nil
}

// perPage is how many payments of a settlement are on a page, however many are asked for: so that paging is seen.
const perPage = 3

// listSettled serves GET /v2/settlements/{id}/payments.
func (s *Simulator) listSettled(r *http.Request) (int, any, *problem) {
	id, from, next := r.PathValue("id"), r.URL.Query().Get("from"), ""
	all := []any{}
	begun := from == ""
	for _, p := range s.made {
		begun = begun || p.ID == from
		if !begun || p.Settlement != id {
			continue
		}
		if len(all) == perPage {
			next = fmt.Sprintf("%s/v2/settlements/%s/payments?from=%s", s.c.Public, id, p.ID)
			break
		}
		all = append(all, s.body(p))
	}
	if len(all) == 0 {
		return 0, nil, no(http.StatusNotFound, "", "No settlement exists with this token")
	}
	return http.StatusOK, list("payments", all, next), nil
}

func list(name string, all []any, next string) map[string]any {
	links := map[string]any{"next": nil}
	if next != "" {
		links["next"] = link(next)
	}
	return map[string]any{"count": len(all), "_embedded": map[string]any{name: all}, "_links": links}
}
