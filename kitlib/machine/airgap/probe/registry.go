package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A registry has one image: this very program, in a layer that is another at each start, so that nobody has it already.
type registry struct {
	config, manifest string
	blobs            map[string][]byte
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

var images = sync.OnceValues(func() (*registry, error) {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	files := tar.NewWriter(&layer)
	made := fmt.Sprint(time.Now().UnixNano())
	for name, content := range map[string][]byte{"probe": program, "probe.made": []byte(made)} {
		_ = files.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))})
		_, _ = files.Write(content)
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	r := &registry{blobs: map[string][]byte{}}
	kept := func(kind string, content []byte) pairs {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		r.blobs[digest] = content
		return pairs{"mediaType", kind, "digest", digest, "size", len(content)}
	}
	data := kept("application/vnd.oci.image.layer.v1.tar", layer.Bytes())
	config, _ := json.Marshal(pairs{"architecture", runtime.GOARCH, "os", "linux", "config", pairs{"Entrypoint", []string{"/probe"}},
		"rootfs", pairs{"type", "layers", "diff_ids", []any{data[3]}}})
	about := kept("application/vnd.oci.image.config.v1+json", config)
	manifest, _ := json.Marshal(pairs{"schemaVersion", 2, "mediaType", manifestType, "config", about, "layers", []pairs{data}})
	r.config, r.manifest = about[3].(string), kept(manifestType, manifest)[3].(string)
	return r, nil
})

// pull answers as a registry does: /v2/, then /v2/NAME/manifests/ANY and /v2/NAME/blobs/DIGEST; the layer at registry.rate.
func pull(w http.ResponseWriter, r *http.Request) {
	have, err := images()
	if err != nil {
		result(w, failed(err))
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	what, kind := parts[len(parts)-1], "application/octet-stream"
	if len(parts) > 4 && parts[len(parts)-2] == "manifests" {
		kind = manifestType
		if have.blobs[what] == nil {
			what = have.manifest
		}
	}
	content := have.blobs[what]
	switch {
	case what == "":
		reply(w, http.StatusOK, pairs{})
		return
	case content == nil:
		reply(w, http.StatusNotFound, pairs{"errors", []pairs{{"code", "BLOB_UNKNOWN"}}})
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", what)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodHead {
		return
	}
	at, sent := now(), 0
	for rate := settings.size("registry.rate"); sent < len(content); {
		piece := len(content) - sent
		if rate > 0 && what != have.manifest && what != have.config {
			piece = min(piece, int(rate/10)+1)
		}
		n, err := w.Write(content[sent : sent+piece])
		_ = http.NewResponseController(w).Flush()
		if sent += n; err != nil || sent < len(content) && !pause(r.Context(), time.Second/10) {
			break
		}
	}
	note(at, "pull", "digest", what, "bytes", sent, "took_ns", at.took())
}
