// Command yamux-peer is the other end of the interoperability tests and of the mux benchmark: hashicorp/yamux as it is, with its
// default configuration, driven by JSON lines on standard input and answering with JSON lines on standard output.
//
//	yamux-peer -role client|server [-connect HOST:PORT]
//
// Without -connect it listens and prints {"port":N}. The yamux role does not depend on who connected.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"

	"github.com/hashicorp/yamux"
)

// command is one line of standard input.
type command struct {
	Do      string `json:"do"`
	Streams int    `json:"streams"`
	Bytes   int    `json:"bytes"`
	Size    int    `json:"size"`
	Count   int    `json:"count"`
}

func main() {
	role := flag.String("role", "server", "yamux role: client or server")
	address := flag.String("connect", "", "connect there instead of listening")
	flag.Parse()

	conn, err := open(*address)
	if err != nil {
		log.Fatal(err)
	}
	config := yamux.DefaultConfig()
	config.LogOutput = os.Stderr
	var session *yamux.Session
	if *role == "client" {
		session, err = yamux.Client(conn, config)
	} else {
		session, err = yamux.Server(conn, config)
	}
	if err != nil {
		log.Fatal(err)
	}
	go accept(session)

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		answer(run(session, c))
	}
	session.Close()
}

func open(address string) (net.Conn, error) {
	if address != "" {
		return net.Dial("tcp", address)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	answer(map[string]any{"port": listener.Addr().(*net.TCPAddr).Port})
	return listener.Accept()
}

func run(session *yamux.Session, c command) map[string]any {
	switch c.Do {
	case "load":
		return load(session, c)
	case "bulk", "small", "pingpong", "opens":
		return measure(session, c)
	case "ping":
		rtt, err := session.Ping()
		return map[string]any{"ms": rtt.Seconds() * 1000, "error": text(err)}
	case "goaway":
		return map[string]any{"error": text(session.GoAway())}
	case "open":
		stream, err := session.Open()
		if err == nil {
			stream.Close()
		}
		return map[string]any{"error": text(err)}
	case "streams":
		return map[string]any{"streams": session.NumStreams()}
	case "cpu":
		return map[string]any{"cpuMs": cpuMs()}
	default:
		return map[string]any{"error": "unknown command " + c.Do}
	}
}

// cpuMs is the user and system time of this process so far.
func cpuMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func answer(value map[string]any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

// accept serves the peer's streams. The first byte says how: 'E' echoes the rest; 'S' counts the rest and answers one byte.
func accept(session *yamux.Session) {
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		go serve(stream)
	}
}

func serve(stream net.Conn) {
	// Close is the half-close of yamux: the peer may go on sending.
	defer stream.Close()
	mode := make([]byte, 1)
	if _, err := io.ReadFull(stream, mode); err != nil {
		return
	}
	buffer := make([]byte, 64*1024)
	if mode[0] == 'S' {
		if _, err := io.CopyBuffer(onlyWriter{io.Discard}, stream, buffer); err == nil {
			stream.Write([]byte{1})
		}
		return
	}
	io.CopyBuffer(onlyWriter{stream}, stream, buffer)
}

// onlyWriter hides ReadFrom, so that io.CopyBuffer uses the buffer it was given.
type onlyWriter struct{ io.Writer }
