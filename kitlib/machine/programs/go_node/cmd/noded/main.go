// noded gives a node what kubelet and kube-proxy leave to others: the CNI configuration for its range of Pod addresses,
// a route to every other node's range, and local volumes for claims of the storage class "standard". It follows the API
// by watches, and repairs what it keeps every half minute.
package main

import (
	"log"
	"os"
	"time"
)

// again is how long noded leaves alone what nobody reports a change of; settle lets a burst of changes pass.
const again, settle = 30 * time.Second, 50 * time.Millisecond

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	self := node{name: os.Getenv("NODE_NAME"), address: os.Getenv("HOST_IP"), pods: os.Getenv("POD_SUBNET")}
	network := network{self: self, routes: map[string]string{}}
	network.begin()
	changed := make(chan struct{}, 1)
	for _, path := range []string{"nodes", "persistentvolumeclaims", "persistentvolumes"} {
		go api.follow(path, changed)
	}
	for {
		if err := network.keep(api); err != nil {
			log.Print("network: ", err)
		}
		if err := keepVolumes(api, self); err != nil {
			log.Print("volumes: ", err)
		}
		select {
		case <-changed:
			time.Sleep(settle)
		case <-time.After(again):
		}
	}
}

// node is the one that this noded runs on, and the range of all Pods' addresses.
type node struct{ name, address, pods string }
