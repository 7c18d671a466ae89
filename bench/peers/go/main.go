// SPDX-License-Identifier: Apache-2.0

// The faster of the services that a good team would write over PostgreSQL: Go's own HTTP and TLS, ES256 tokens bound to the
// device's certificate (verified once, then known, as the registry does), pgx with a pool and prepared statements.  It runs
// the statements of store_pg.mjs over the same tables; what it does not do (seal, chain, judge joined rooms) favours it.
//
//	peer-go SETTINGS.json
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

type settings struct {
	Port     int               `json:"port"`
	Cert     string            `json:"cert"`
	Key      string            `json:"key"`
	CA       string            `json:"ca"`
	Pool     int               `json:"pool"`
	TokenKey string            `json:"token_key"`
	Database map[string]string `json:"database"`
	SQL      map[string]string `json:"sql"`
}

type server struct {
	store *store
	key   *ecdsa.PublicKey
	known sync.Map // token: claims
}

type claims struct {
	Issuer      string `json:"iss"`
	Audience    string `json:"aud"`
	Person      string `json:"sub"`
	Certificate string `json:"cnf"`
	Expires     int64  `json:"exp"`
}

func (s *server) verify(token string) (*claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, t := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(s.key, digest[:], r, t) {
		return nil, false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	c := new(claims)
	if err != nil || json.Unmarshal(body, c) != nil || c.Issuer != "bench" || c.Audience != "menedek" {
		return nil, false
	}
	s.known.Store(token, c)
	return c, true
}

// fingerprint is of the connection's certificate as Node prints it.
func fingerprint(state *tls.ConnectionState) string {
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

type deviceKey struct{}

// who gives the person, "" for nobody.
func (s *server) who(r *http.Request) string {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	var c *claims
	if known, found := s.known.Load(token); found {
		c = known.(*claims)
	} else if c, found = s.verify(token); !found {
		return ""
	}
	device, _ := r.Context().Value(deviceKey{}).(*string)
	if *device == "" {
		*device = fingerprint(r.TLS)
	}
	if c.Expires < time.Now().Unix() || c.Certificate != *device {
		return ""
	}
	return c.Person
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = 500, []byte(`{"code":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]string{"code": code})
}

type newHold struct {
	Episode   string `json:"episode"`
	Candidate string `json:"candidate"`
	Consent   bool   `json:"consent"`
	Need      string `json:"need"`
	Channel   string `json:"contact_channel"`
}

func (s *server) hold(w http.ResponseWriter, r *http.Request, who string) {
	var body newHold
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 65536))
	in.DisallowUnknownFields()
	if in.Decode(&body) != nil || !body.Consent || body.Episode == "" || body.Candidate == "" {
		refuse(w, 400, "invalid")
		return
	}
	made, err := s.store.hold(r.Context(), who, who+" "+r.Header.Get("Idempotency-Key"), &body)
	s.finish(w, made, err, 201, "no_place_left")
}

func (s *server) finish(w http.ResponseWriter, made *reservation, err error, status int, refusal string) {
	switch {
	case err != nil:
		log.Print(err)
		refuse(w, 500, "internal")
	case made == nil:
		refuse(w, 409, refusal)
	default:
		answer(w, status, made)
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := s.who(r)
	if who == "" {
		refuse(w, 401, "unauthenticated")
		return
	}
	if r.Method != http.MethodPost {
		refuse(w, 405, "method_not_allowed")
		return
	}
	if r.URL.Path == "/v1/reservations" {
		s.hold(w, r, who)
		return
	}
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v1/reservations/"), "/cancel")
	if len(id)+len("/v1/reservations//cancel") != len(r.URL.Path) {
		refuse(w, 404, "not_found")
		return
	}
	made, err := s.store.cancel(r.Context(), who, who+" "+r.Header.Get("Idempotency-Key"), id)
	s.finish(w, made, err, 200, "state_conflict")
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	var set settings
	text, err := os.ReadFile(os.Args[1])
	must(err)
	must(json.Unmarshal(text, &set))
	block, _ := pem.Decode([]byte(set.TokenKey))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(err)
	authority, err := os.ReadFile(set.CA)
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	store, err := open(&set)
	must(err)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", set.Port))
	must(err)
	fmt.Printf("listening %d\n", set.Port)
	http1 := map[string]func(*http.Server, *tls.Conn, http.Handler){}
	served := &http.Server{Handler: &server{store: store, key: key.(*ecdsa.PublicKey)}, TLSNextProto: http1,
		// the certificate is of the connection: looked at once
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, deviceKey{}, new(string))
		},
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}}
	must(served.ServeTLS(listener, set.Cert, set.Key))
}
