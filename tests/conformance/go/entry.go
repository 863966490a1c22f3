package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type dsse struct {
	Payload     string `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	} `json:"signatures"`
}

// envelope checks every signature of a DSSE envelope under Ed25519 keys (base64) by key id.
func envelope(input json.RawMessage) (string, error) {
	var given struct {
		Envelope []byte
		Keys     map[string][]byte
	}
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	var found dsse
	reader := json.NewDecoder(bytes.NewReader(given.Envelope))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&found); err != nil {
		return "", err
	}
	payload, err := base64.StdEncoding.DecodeString(found.Payload)
	if err != nil {
		return "", err
	}
	if len(found.Signatures) == 0 {
		return "", errors.New("nobody has signed")
	}
	signed := fmt.Sprintf("DSSEv1 %d %s %d %s", len(found.PayloadType), found.PayloadType, len(payload), payload)
	for _, signature := range found.Signatures {
		key := given.Keys[signature.KeyID]
		sig, err := base64.StdEncoding.DecodeString(signature.Sig)
		if err != nil {
			return "", err
		}
		if len(key) != ed25519.PublicKeySize || !ed25519.Verify(ed25519.PublicKey(key), []byte(signed), sig) {
			return "", fmt.Errorf("a bad signature of %s", signature.KeyID)
		}
	}
	return string(payload), nil
}

// tlogProof checks a C2SP tlog-proof of an entry.
func tlogProof(input json.RawMessage) (string, error) {
	var given struct {
		Proof string
		Entry []byte
		Vkey  string
	}
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	top, signed, gap := strings.Cut(given.Proof, "\n\n")
	lines := strings.Split(top, "\n")
	if !gap || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return "", errors.New("no log proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return "", errors.New("no index")
	}
	named := strings.HasPrefix(lines[0], "index ")
	text := strings.TrimPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(text, 10, 64)
	if !named || err != nil || strconv.FormatInt(index, 10) != text {
		return "", fmt.Errorf("no index: %q", lines[0])
	}
	var path tlog.RecordProof
	for _, line := range lines[1:] {
		data, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(data) != tlog.HashSize {
			return "", fmt.Errorf("no hash: %q", line)
		}
		var h tlog.Hash
		copy(h[:], data)
		path = append(path, h)
	}
	found, err := openHead(noteInput{given.Vkey, signed})
	if err != nil {
		return "", err
	}
	return found.origin, tlog.CheckRecord(path, found.size, found.root, index, tlog.RecordHash(given.Entry))
}
