package main

import (
	"bytes"
	"errors"
	"log"
	"os"
	"path/filepath"
)

const (
	provisioner = "kitlib/noded"
	folder      = "/var/local/volumes"
	madeBy      = "pv.kubernetes.io/provisioned-by"
)

// keepVolumes makes a volume for each claim that the scheduler gave to this node, and removes those that are released.
func keepVolumes(a *api, self node) error {
	claims, err := a.list("persistentvolumeclaims")
	if err != nil {
		return err
	}
	var all error
	for _, claim := range claims {
		notes := claim.Metadata.Annotations
		if claim.Spec.VolumeName == "" && notes["volume.kubernetes.io/selected-node"] == self.name &&
			notes["volume.kubernetes.io/storage-provisioner"] == provisioner {
			all = errors.Join(all, provide(a, self, claim))
		}
	}
	volumes, err := a.list("persistentvolumes")
	if err != nil {
		return errors.Join(all, err)
	}
	for _, volume := range volumes {
		here := bytes.Contains(volume.Spec.NodeAffinity, []byte(`"`+self.name+`"`))
		if here && volume.Metadata.Annotations[madeBy] == provisioner && volume.Status.Phase == "Released" &&
			volume.Spec.PersistentVolumeReclaimPolicy == "Delete" {
			all = errors.Join(all, remove(a, volume))
		}
	}
	return all
}

func provide(a *api, self node, claim object) error {
	name := "pvc-" + claim.Metadata.UID
	path := filepath.Join(folder, name)
	// chmod, because what a mask leaves is not enough for a Pod of another user
	if err := errors.Join(os.MkdirAll(path, 0o777), os.Chmod(path, 0o777)); err != nil {
		return err
	}
	type m = map[string]any
	here := m{"key": "kubernetes.io/hostname", "operator": "In", "values": []string{self.name}}
	body, err := a.send("POST", "persistentvolumes", m{
		"metadata": m{"name": name, "annotations": m{madeBy: provisioner}},
		"spec": m{
			"capacity":                      claim.Spec.Resources.Requests,
			"accessModes":                   claim.Spec.AccessModes,
			"storageClassName":              claim.Spec.StorageClassName,
			"persistentVolumeReclaimPolicy": "Delete",
			"local":                         m{"path": path},
			"nodeAffinity":                  m{"required": m{"nodeSelectorTerms": []m{{"matchExpressions": []m{here}}}}},
			"claimRef": m{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": claim.Metadata.UID,
				"namespace": claim.Metadata.Namespace, "name": claim.Metadata.Name,
			},
		},
	})
	if errors.Is(err, errExists) {
		return nil
	}
	if err != nil {
		return err
	}
	log.Printf("volume %s for %s/%s", name, claim.Metadata.Namespace, claim.Metadata.Name)
	return body.Close()
}

func remove(a *api, volume object) error {
	if filepath.Dir(volume.Spec.Local.Path) == folder { // nothing else is removed, whatever a volume says
		if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
			return err
		}
	}
	body, err := a.send("DELETE", "persistentvolumes/"+volume.Metadata.Name, nil)
	if err != nil {
		return err
	}
	log.Print("removed volume ", volume.Metadata.Name)
	return body.Close()
}
