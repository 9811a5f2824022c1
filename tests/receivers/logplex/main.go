// SPDX-License-Identifier: Apache-2.0

// An HTTPS drain's receiver with Heroku's own decoder of Logplex's frames
// (github.com/heroku/x/logplex/encoding): writes each message as a line of JSON.
// It asks for a password where there is one in the environment.
//
//	[USER_AND_PASSWORD=user:password] logplex ADDRESS OUT [CERTIFICATE KEY]
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/heroku/x/logplex/encoding"
)

type record struct {
	encoding.Message
	FrameID    string
	DrainToken string
}

type sink struct {
	mu   sync.Mutex
	out  *json.Encoder
	asks string
}

func (s *sink) knows(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	return s.asks == "" || ok && s.asks == user+":"+password
}

// read decodes a body whole before anything is written: a bad frame is no message.
func read(r *http.Request) ([]record, error) {
	var records []record

	scanner := encoding.NewDrainScanner(r.Body)
	for scanner.Scan() {
		records = append(records, record{scanner.Message(), r.Header.Get("Logplex-Frame-Id"), r.Header.Get("Logplex-Drain-Token")})
	}
	if err := scanner.Err(); err != nil && err != io.EOF {
		return nil, err
	}
	if said := r.Header.Get("Logplex-Msg-Count"); said != strconv.Itoa(len(records)) {
		return nil, fmt.Errorf("Logplex-Msg-Count is %q, the body holds %d", said, len(records))
	}
	return records, nil
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.knows(r) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if a := r.Header.Get("User-Agent"); !strings.HasPrefix(a, "Logplex/") {
		http.Error(w, "User-Agent: "+a+" is not Logplex", http.StatusBadRequest)
		return
	}
	if t := r.Header.Get("Content-Type"); r.Method != "POST" || t != "application/logplex-1" {
		http.Error(w, "POST application/logplex-1, not "+t, http.StatusUnsupportedMediaType)
		return
	}
	records, err := read(r)
	if err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range records {
		if err := s.out.Encode(rec); err != nil {
			log.Fatal(err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	out, err := os.OpenFile(os.Args[2], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	s := &sink{out: json.NewEncoder(out), asks: os.Getenv("USER_AND_PASSWORD")}
	if len(os.Args) > 4 {
		log.Fatal(http.ListenAndServeTLS(os.Args[1], os.Args[3], os.Args[4], s))
	}
	log.Fatal(http.ListenAndServe(os.Args[1], s))
}
