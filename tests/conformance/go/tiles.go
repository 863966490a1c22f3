package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

// number writes a tile's number as tlog-tiles does: x001/x234/067.
func number(n int64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

func read(folder, level string, n, count int64) ([]byte, error) {
	path := filepath.Join(folder, "tile", level, filepath.FromSlash(number(n)))
	if count < width {
		path += fmt.Sprintf(".p/%d", count)
	}
	return os.ReadFile(path)
}

// stored holds hashes as tlog numbers them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, errors.New("a hash is missing")
		}
		found[i] = s[index]
	}
	return found, nil
}

// entries reads the n-th bundle of count entries.
func entries(folder string, n, count int64) ([][]byte, error) {
	data, err := read(folder, "entries", n, count)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("bundle %d is cut off", n)
		}
		stop := 2 + int(binary.BigEndian.Uint16(data))
		all = append(all, data[2:stop])
		data = data[stop:]
	}
	if int64(len(all)) != count {
		return nil, fmt.Errorf("bundle %d holds %d entries, not %d", n, len(all), count)
	}
	return all, nil
}

func rebuild(folder string, size int64) (stored, error) {
	var hashes stored
	for n := int64(0); n*width < size; n++ {
		count := size - n*width
		if count > width {
			count = width
		}
		bundle, err := entries(folder, n, count)
		if err != nil {
			return nil, err
		}
		for i, entry := range bundle {
			more, err := tlog.StoredHashes(n*width+int64(i), entry, hashes)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, more...)
		}
	}
	return hashes, nil
}

// checkTiles compares every tile of hashes with what the entries make.
func checkTiles(folder string, size int64, hashes stored) error {
	for level := 0; size>>(8*level) > 0; level++ {
		have := size >> (8 * level)
		for n := int64(0); n*width < have; n++ {
			count := have - n*width
			if count > width {
				count = width
			}
			data, err := read(folder, fmt.Sprint(level), n, count)
			if err != nil {
				return err
			}
			if int64(len(data)) != count*tlog.HashSize {
				return fmt.Errorf("tile %d/%d has %d bytes", level, n, len(data))
			}
			for i := int64(0); i < count; i++ {
				want := hashes[tlog.StoredHashIndex(8*level, n*width+i)]
				if string(want[:]) != string(data[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
					return fmt.Errorf("hash %d of tile %d/%d is not that of the entries", i, level, n)
				}
			}
		}
	}
	return nil
}

// tiles rebuilds a whole log from an exported directory and compares it with its signed checkpoint.
func tiles(input json.RawMessage) (string, error) {
	var given struct{ Folder, Vkey string }
	if err := json.Unmarshal(input, &given); err != nil {
		return "", err
	}
	signed, err := os.ReadFile(filepath.Join(given.Folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	found, err := openHead(noteInput{given.Vkey, string(signed)})
	if err != nil {
		return "", err
	}
	hashes, err := rebuild(given.Folder, found.size)
	if err != nil {
		return "", err
	}
	root := emptyRoot()
	if found.size > 0 {
		if root, err = tlog.TreeHash(found.size, hashes); err != nil {
			return "", err
		}
	}
	if root != found.root {
		return "", errors.New("the entries do not make the signed root")
	}
	return fmt.Sprintf("%d entries", found.size), checkTiles(given.Folder, found.size, hashes)
}
