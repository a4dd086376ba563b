package platform

import (
	"context"
	"io"
	"net/http"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/ledger"
)

// sealAlarm is how far the seals may be behind before the platform says that it is not ready.
const sealAlarm = 5 * time.Second

// ready serves GET /readyz: 200 when the database answers and the seals follow.
func (p *Platform) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	lag, err := p.Lag(ctx)
	switch {
	case err != nil:
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
	case lag > sealAlarm:
		http.Error(w, "the seals are behind", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}

// logRoutes serves the sealed log to anyone: its public key and its latest signed checkpoint.
func (p *Platform) logRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /log/key", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, p.LogKey.Public+"\n")
	})
	mux.HandleFunc("GET /log/checkpoint", func(w http.ResponseWriter, r *http.Request) {
		var c ledger.Checkpoint
		err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
			c, err = ledger.Latest(r.Context(), tx)
			return err
		})
		if err != nil {
			p.log.ErrorContext(r.Context(), "checkpoint", "err", err)
			http.Error(w, "try again shortly", http.StatusServiceUnavailable)
			return
		}
		plain(w, c.Note)
	})
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, text)
}

func isBack(err error) bool { return fault.Is(err, "clock-back") }
