package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is that of RFC 6962; this version of x/mod answers a hash of zeros.
func emptyRoot() tlog.Hash {
	return sha256.Sum256(nil)
}

func hash(text string) (h tlog.Hash, err error) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != len(h) {
		return h, fmt.Errorf("%q is no hash", text)
	}
	copy(h[:], data)
	return h, nil
}

func hashes(texts []string) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		h, err := hash(text)
		if err != nil {
			return nil, err
		}
		all[i] = h
	}
	return all, nil
}

func leaf(input json.RawMessage) (string, error) {
	var given struct{ Entry string }
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	data, err := hex.DecodeString(given.Entry)
	if err != nil {
		return "", err
	}
	h := tlog.RecordHash(data)
	return hex.EncodeToString(h[:]), nil
}

func inclusion(input json.RawMessage) (string, error) {
	var given struct {
		Leaf  string
		Index int64
		Size  int64
		Proof []string
		Root  string
	}
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	h, err := hash(given.Leaf)
	if err != nil {
		return "", err
	}
	root, err := hash(given.Root)
	if err != nil {
		return "", err
	}
	proof, err := hashes(given.Proof)
	if err != nil {
		return "", err
	}
	return "included", tlog.CheckRecord(tlog.RecordProof(proof), given.Size, root, given.Index, h)
}

func consistency(input json.RawMessage) (string, error) {
	var given struct {
		Old     int64
		OldRoot string `json:"old_root"`
		New     int64
		NewRoot string `json:"new_root"`
		Proof   []string
	}
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	older, err := hash(given.OldRoot)
	if err != nil {
		return "", err
	}
	newer, err := hash(given.NewRoot)
	if err != nil {
		return "", err
	}
	proof, err := hashes(given.Proof)
	if err != nil {
		return "", err
	}
	if given.Old == 0 { // x/mod does not speak of the empty tree: everything extends it
		empty := emptyRoot()
		if len(proof) != 0 || older != empty || given.New < 0 || (given.New == 0 && newer != empty) {
			return "", errors.New("not the empty tree, or a proof where none is needed")
		}
		return "extends the empty tree", nil
	}
	return "extends", tlog.CheckTree(tlog.TreeProof(proof), given.New, newer, given.Old, older)
}
