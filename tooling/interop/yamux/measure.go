package main

import (
	"io"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// measure runs one case of the benchmark and says how long it took. The cases are those of the benchmark's Node client.
func measure(session *yamux.Session, c command) map[string]any {
	from := time.Now()
	cpu := cpuMs()
	var err error
	switch c.Do {
	case "bulk", "small":
		err = parallel(c.Streams, func() error { return upload(session, c.Bytes/c.Streams, c.Size) })
	case "pingpong":
		err = pingPong(session, c.Size, c.Count)
	case "opens":
		err = parallel(c.Streams, func() error { return opens(session, c.Count/c.Streams) })
	}
	return map[string]any{"ms": time.Since(from).Seconds() * 1000, "cpuMs": cpuMs() - cpu, "error": text(err)}
}

func parallel(count int, each func() error) error {
	var wait sync.WaitGroup
	failures := make(chan error, count)
	for range count {
		wait.Add(1)
		go func() {
			defer wait.Done()
			failures <- each()
		}()
	}
	wait.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// upload sends bytes in writes of size and waits until the peer has counted them.
func upload(session *yamux.Session, bytes, size int) error {
	stream, err := session.OpenStream()
	if err != nil {
		return err
	}
	buffer := make([]byte, size)
	if _, err := stream.Write([]byte{'S'}); err != nil {
		return err
	}
	for sent := 0; sent < bytes; sent += size {
		if _, err := stream.Write(buffer); err != nil {
			return err
		}
	}
	stream.Close()
	_, err = io.Copy(io.Discard, stream)
	return err
}

func pingPong(session *yamux.Session, size, count int) error {
	stream, err := session.OpenStream()
	if err != nil {
		return err
	}
	defer stream.Close()
	buffer := make([]byte, size)
	if _, err := stream.Write([]byte{'E'}); err != nil {
		return err
	}
	for range count {
		if _, err := stream.Write(buffer); err != nil {
			return err
		}
		if _, err := io.ReadFull(stream, buffer); err != nil {
			return err
		}
	}
	return nil
}

func opens(session *yamux.Session, count int) error {
	for range count {
		stream, err := session.OpenStream()
		if err != nil {
			return err
		}
		if _, err := stream.Write([]byte{'E', 'x'}); err != nil {
			return err
		}
		stream.Close()
		if _, err := io.Copy(io.Discard, stream); err != nil {
			return err
		}
	}
	return nil
}
