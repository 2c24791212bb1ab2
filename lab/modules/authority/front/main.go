// Stands in front of Pebble at the authority's addresses, and fails as a file says: what lab/pebble.ts calls a fault.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// A fault, as `FrontRule` in lab/pebble-front.ts describes it.
type rule struct {
	Path         string            `json:"path"`
	Times        int               `json:"times"`
	Milliseconds int               `json:"milliseconds"`
	Hang         bool              `json:"hang"`
	Status       int               `json:"status"`
	Headers      map[string]string `json:"headers"`
	Body         string            `json:"body"`
}

type front struct {
	file    string
	pebble  *url.URL
	through http.RoundTripper
	proxy   *httputil.ReverseProxy

	mutex   sync.Mutex
	written time.Time
	served  int
}

func main() {
	listen := flag.String("listen", "", "addresses with ports, separated by commas")
	pebble := flag.String("pebble", "", "URL of Pebble")
	certificate := flag.String("certificate", "", "file with the certificate that both present")
	key := flag.String("key", "", "file with its key")
	roots := flag.String("roots", "", "file with what signed it")
	faults := flag.String("faults", "", "file with a fault; absent for none")
	flag.Parse()

	target, err := url.Parse(*pebble)
	check(err)
	pem, err := os.ReadFile(*roots)
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 100}
	f := &front{file: *faults, pebble: target, through: transport}
	f.proxy = &httputil.ReverseProxy{
		Transport: transport,
		// Pebble makes its URLs of the host that it was asked by, and requests are signed for those.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(response *http.Response) error {
			say(response.Request, response.StatusCode)
			return nil
		},
		ErrorHandler: func(writer http.ResponseWriter, request *http.Request, err error) {
			log.Print(err)
			f.answer(writer, request, http.StatusBadGateway, nil, "")
		},
	}
	ended := make(chan error)
	for _, address := range strings.Split(*listen, ",") {
		server := &http.Server{Addr: address, Handler: f}
		go func() { ended <- server.ListenAndServeTLS(*certificate, *key) }()
	}
	check(<-ended)
}

func (f *front) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	fault := f.fault(request.URL.Path)
	if fault == nil {
		f.proxy.ServeHTTP(writer, request)
		return
	}
	if fault.Hang {
		say(request, 0)
		io.Copy(io.Discard, request.Body) // without it, nobody tells when the client goes away
		<-request.Context().Done()
		return
	}
	select {
	case <-time.After(time.Duration(fault.Milliseconds) * time.Millisecond):
	case <-request.Context().Done():
		return
	}
	if fault.Status == 0 {
		f.proxy.ServeHTTP(writer, request)
		return
	}
	f.answer(writer, request, fault.Status, fault.Headers, fault.Body)
}

// The fault for a path: `nil` when there is none, or when it has come as often as it was told to.
func (f *front) fault(path string) *rule {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	status, err := os.Stat(f.file)
	if err != nil {
		return nil
	}
	if !status.ModTime().Equal(f.written) {
		f.written, f.served = status.ModTime(), 0
	}
	text, err := os.ReadFile(f.file)
	if err != nil {
		return nil
	}
	var found rule
	if err := json.Unmarshal(text, &found); err != nil {
		log.Print(err)
		return nil
	}
	if !strings.HasPrefix(path, found.Path) || (found.Times > 0 && f.served >= found.Times) {
		return nil
	}
	f.served++
	return &found
}

func (f *front) answer(writer http.ResponseWriter, request *http.Request, status int, headers map[string]string, body string) {
	// A problem comes with a nonce, as from Pebble (RFC 8555, section 6.5).
	if headers["Content-Type"] == "application/problem+json" {
		if nonce, err := f.nonce(request); err == nil {
			writer.Header().Set("Replay-Nonce", nonce)
		} else {
			log.Print(err)
		}
	}
	for name, value := range headers {
		writer.Header().Set(name, value)
	}
	writer.WriteHeader(status)
	fmt.Fprint(writer, body)
	say(request, status)
}

func (f *front) nonce(request *http.Request) (string, error) {
	asking, err := http.NewRequestWithContext(request.Context(), http.MethodHead, f.pebble.JoinPath("nonce-plz").String(), nil)
	if err != nil {
		return "", err
	}
	response, err := f.through.RoundTrip(asking)
	if err != nil {
		return "", err
	}
	return response.Header.Get("Replay-Nonce"), response.Body.Close()
}

// One line for each request when its answer begins, or 0 for its status when none will come.
func say(request *http.Request, status int) {
	fmt.Printf("%s %s %d\n", request.Method, request.URL.Path, status)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
