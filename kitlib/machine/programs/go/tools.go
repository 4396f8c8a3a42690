//go:build tools

// Package tools names the programs of others that are compiled beside cmd/..., so that go.mod keeps their versions.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)
