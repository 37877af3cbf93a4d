package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand"
	"sync"

	"github.com/hashicorp/yamux"
)

// load opens c.Streams streams, sends c.Bytes bytes over each, ends its own direction, reads the echo to the end and compares hashes.
func load(session *yamux.Session, c command) map[string]any {
	var wait sync.WaitGroup
	results := make([]string, c.Streams)
	for index := range results {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results[index] = text(echoOnce(session, c.Bytes, int64(index)))
		}()
	}
	wait.Wait()
	failed := []string{}
	for _, result := range results {
		if result != "" {
			failed = append(failed, result)
		}
	}
	return map[string]any{"failed": failed}
}

type mismatch struct{ sent, received string }

func (m mismatch) Error() string { return "sent " + m.sent + ", received " + m.received }

func echoOnce(session *yamux.Session, bytes int, seed int64) error {
	stream, err := session.OpenStream()
	if err != nil {
		return err
	}
	sent := sha256.New()
	done := make(chan error, 1)
	go func() {
		source := io.TeeReader(io.LimitReader(rand.New(rand.NewSource(seed)), int64(bytes)), sent)
		if _, err := stream.Write([]byte{'E'}); err != nil {
			done <- err
			return
		}
		_, err := io.CopyBuffer(onlyWriter{stream}, source, make([]byte, 100_000))
		stream.Close()
		done <- err
	}()
	received := sha256.New()
	if _, err := io.Copy(received, stream); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	a, b := hex.EncodeToString(sent.Sum(nil)), hex.EncodeToString(received.Sum(nil))
	if a != b {
		return mismatch{a, b}
	}
	return nil
}
