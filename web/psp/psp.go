// Package psp takes the webhooks of payment service providers.
//
// It owns the address at which a provider says that it has news, and how much of that it listens to. It does not
// own what the news mean: the provider is asked (payments).
//
// # What is always true
//
//   - Whatever is said here, nothing is believed: what comes in is an id to ask about.
//   - An id is answered by 200 as soon as it is stored, whether we know it or not.
//   - Who does not know the secret address meets 404, and costs the database nothing.
package psp

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// Limits of what is listened to.
const (
	mostBytes    = 4 << 10
	mostInMinute = 6000
	storeTime    = 5 * time.Second
)

// Config is what the handler is built from.
type Config struct {
	Provider string   // its name, in the path
	Secrets  []string // the rest of the path: any of them
	Notice   func(ctx context.Context, id string) error
	Wall     func() calendar.Instant // for the limit
	Log      *slog.Logger
	Quota    int // in a minute; 6,000 when 0
}

// Path is where a provider's webhooks come in.
func Path(provider, secret string) string { return "/psp/" + provider + "/" + secret }

// Handler serves POST /psp/{provider}/{secret}.
type Handler struct {
	Config
	mu     sync.Mutex
	minute int64
	seen   int
}

// New makes the handler.
func New(c Config) *Handler {
	if c.Quota == 0 {
		c.Quota = mostInMinute
	}
	return &Handler{Config: c}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !h.known(r.URL.Path) {
		http.Error(w, "There is nothing at this address.", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Post here.", http.StatusMethodNotAllowed)
		return
	}
	if wait := h.full(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
		http.Error(w, "Too many messages. Come again later.", http.StatusTooManyRequests)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostBytes)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This cannot be read.", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	switch err := h.Notice(ctx, r.PostForm.Get("id")); {
	case fault.Is(err, "psp-notice"):
		http.Error(w, "There is no id in it.", http.StatusBadRequest)
	case err != nil:
		h.Log.ErrorContext(r.Context(), "webhook not stored", "provider", h.Provider, "err", err)
		http.Error(w, "Come again later.", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// known says whether a path is ours, without telling by its time how much of it is.
func (h *Handler) known(path string) bool {
	found := 0
	for _, secret := range h.Secrets {
		found |= subtle.ConstantTimeCompare([]byte(path), []byte(Path(h.Provider, secret)))
	}
	return found == 1
}

// full says for how many seconds nothing more is listened to; 0 when this one is.
func (h *Handler) full() int {
	now := h.Wall().Micros() / time.Second.Microseconds()
	h.mu.Lock()
	defer h.mu.Unlock()
	if now/60 != h.minute {
		h.minute, h.seen = now/60, 0
	}
	if h.seen++; h.seen > h.Quota {
		return int(60 - now%60)
	}
	return 0
}
