// go_peer.go - peer: echo by a goroutine per connection, files by net/http.
//
//	go_peer echo|DIR
//
// Prints the port that the kernel chose. Go sees how many CPUs it may use, which is one.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 16384)
	for {
		n, err := conn.Read(buffer)
		if n > 0 {
			if _, err := conn.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if len(os.Args) > 1 && os.Args[1] != "echo" {
		log.SetOutput(io.Discard)
		http.Serve(listener, http.FileServer(http.Dir(os.Args[1])))
		return
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go echo(conn)
	}
}
