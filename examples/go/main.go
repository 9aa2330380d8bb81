// Receives webhooks of Crypitor: checks the signature, takes each once, and knows the three phases.
//
//	CRYPITOR_SECRET=whsec_… go run .        (PORT=8000, STORE=deposits.json)
//
// Needs nothing but Go. A file stands in for your database.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance    = 300 * time.Second
	largestBytes = 4 << 20
)

var states = map[string]string{
	"match.detected":  "pending",
	"match.confirmed": "credited",
	"match.reverted":  "void",
}

// webhook is what is needed of a body; the whole is in /openapi.json.
type webhook struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      struct {
		ID       string  `json:"id"`
		Address  *string `json:"address"`
		Amount   *string `json:"amount"` // in the smallest unit: use math/big to count with it
		Contract *struct {
			Symbol *string `json:"symbol"`
		} `json:"contract"`
	} `json:"data"`
}

type deposit struct {
	Address *string `json:"address"`
	Amount  *string `json:"amount"`
	Symbol  *string `json:"symbol"`
	State   string  `json:"state"`
	ToldAt  string  `json:"told_at"`
}

// store has both in one file that is replaced whole: what was taken, and what was made of it.
type store struct {
	mutex    sync.Mutex
	path     string
	Webhooks map[string]bool    `json:"webhooks"`
	Deposits map[string]deposit `json:"deposits"`
}

func opened(path string) (*store, error) {
	opened := &store{path: path, Webhooks: map[string]bool{}, Deposits: map[string]deposit{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return opened, nil
	}
	if err != nil {
		return nil, err
	}
	return opened, json.Unmarshal(text, opened)
}

func (s *store) take(id string, told webhook) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.Webhooks[id] {
		return nil // it came before: the answer was lost
	}
	s.Webhooks[id] = true
	// A replay may bring an earlier phase after a later one: what was told last counts.
	state, known := states[told.Type]
	if known && told.Timestamp >= s.Deposits[told.Data.ID].ToldAt {
		made := deposit{told.Data.Address, told.Data.Amount, nil, state, told.Timestamp}
		if told.Data.Contract != nil {
			made.Symbol = told.Data.Contract.Symbol
		}
		s.Deposits[told.Data.ID] = made
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}

func verified(header http.Header, body, key []byte, now time.Time) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := mac.Sum(nil)
	for _, each := range strings.Fields(header.Get("webhook-signature")) {
		version, text, _ := strings.Cut(each, ",")
		signature, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && hmac.Equal(signature, expected) {
			return true
		}
	}
	return false
}

func main() {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("CRYPITOR_SECRET"), "whsec_"))
	if err != nil {
		log.Fatal("CRYPITOR_SECRET: ", err)
	}
	deposits, err := opened(setting("STORE", "deposits.json"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		// The very bytes: they are what is signed.
		body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, largestBytes))
		if err != nil || !verified(request.Header, body, key, time.Now()) {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		var told webhook
		if err := json.Unmarshal(body, &told); err != nil {
			response.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := deposits.take(request.Header.Get("webhook-id"), told); err != nil {
			log.Print(err)
			response.WriteHeader(http.StatusInternalServerError) // it comes again
			return
		}
		response.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+setting("PORT", "8000"), nil))
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
