package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// object has the fields of Nodes, claims and volumes that noded looks at.
type object struct {
	Metadata struct {
		Name, Namespace, UID string
		Annotations          map[string]string
	}
	Spec struct {
		PodCIDR                       string
		VolumeName, StorageClassName  string
		AccessModes                   []string
		Resources                     struct{ Requests map[string]string }
		PersistentVolumeReclaimPolicy string
		Local                         struct{ Path string }
		NodeAffinity                  json.RawMessage
	}
	Status struct {
		Phase     string
		Addresses []struct{ Type, Address string }
	}
}

type api struct {
	server string
	client *http.Client
}

var errExists = errors.New("somebody made it already")

func newAPI() (*api, error) {
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	server := os.Getenv("CONTROL_PLANE_ENDPOINT") // kind sets it: kube-proxy needs a network before there are Services
	if server == "" {
		server = net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots},
		ResponseHeaderTimeout: 10 * time.Second,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 10 * time.Second}).DialContext,
	}
	return &api{"https://" + server + "/api/v1/", &http.Client{Transport: transport}}, nil
}

// send makes a request; the caller closes the body of what it returns.
func (a *api) send(method, path string, body any) (io.ReadCloser, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, a.server+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(account + "token") // it is renewed now and then
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < 300 {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusConflict {
		return nil, errExists
	}
	reason, _ := io.ReadAll(io.LimitReader(answer.Body, 400))
	return nil, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, reason)
}

func (a *api) list(path string) ([]object, error) {
	body, err := a.send("GET", path, nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var list struct{ Items []object }
	return list.Items, json.NewDecoder(body).Decode(&list)
}

// follow tells of every change of a kind. A watch that ends is opened anew, at once if it had lasted.
func (a *api) follow(path string, changed chan<- struct{}) {
	for {
		began := time.Now()
		if err := a.watch(path, changed); err != nil {
			log.Print("watch: ", err)
		}
		if time.Since(began) < time.Second {
			time.Sleep(time.Second)
		}
	}
}

func (a *api) watch(path string, changed chan<- struct{}) error {
	body, err := a.send("GET", path+"?watch=1&timeoutSeconds=600", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	for events := json.NewDecoder(body); ; {
		var event struct{ Type string }
		if err := events.Decode(&event); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		select {
		case changed <- struct{}{}:
		default: // it is told already
		}
	}
}
