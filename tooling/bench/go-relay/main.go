// A byte relay over hashicorp/yamux: the peer that the edge benchmark compares with. It reads no HTTP.
//
//	go-relay relay PUBLIC_ADDRESS AGENT_ADDRESS
//	go-relay agent AGENT_ADDRESS SERVICE_ADDRESS
package main

import (
	"io"
	"log"
	"net"
	"os"

	"github.com/hashicorp/yamux"
)

func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.MaxStreamWindowSize = 1 << 20
	c.LogOutput = io.Discard
	return c
}

func join(a, b io.ReadWriteCloser) {
	done := make(chan struct{}, 2)
	half := func(to, from io.ReadWriteCloser) {
		io.Copy(to, from)
		if tcp, ok := to.(*net.TCPConn); ok {
			tcp.CloseWrite()
		} else {
			to.Close()
		}
		done <- struct{}{}
	}
	go half(a, b)
	go half(b, a)
	<-done
	<-done
	a.Close()
	b.Close()
}

func relay(public, agent string) error {
	agents, err := net.Listen("tcp", agent)
	if err != nil {
		return err
	}
	visitors, err := net.Listen("tcp", public)
	if err != nil {
		return err
	}
	conn, err := agents.Accept()
	if err != nil {
		return err
	}
	session, err := yamux.Client(conn, config())
	if err != nil {
		return err
	}
	for {
		visitor, err := visitors.Accept()
		if err != nil {
			return err
		}
		go func() {
			stream, err := session.Open()
			if err != nil {
				visitor.Close()
				return
			}
			join(visitor, stream)
		}()
	}
}

func agent(relay, service string) error {
	conn, err := net.Dial("tcp", relay)
	if err != nil {
		return err
	}
	session, err := yamux.Server(conn, config())
	if err != nil {
		return err
	}
	for {
		stream, err := session.Accept()
		if err != nil {
			return err
		}
		go func() {
			upstream, err := net.Dial("tcp", service)
			if err != nil {
				stream.Close()
				return
			}
			join(stream, upstream)
		}()
	}
}

func main() {
	roles := map[string]func(string, string) error{"relay": relay, "agent": agent}
	if len(os.Args) != 4 || roles[os.Args[1]] == nil {
		log.Fatal("usage: go-relay relay|agent ADDRESS ADDRESS")
	}
	log.Fatal(roles[os.Args[1]](os.Args[2], os.Args[3]))
}
