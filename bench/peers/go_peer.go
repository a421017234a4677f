// go_peer.go - peer: echo by a goroutine per connection, files by net/http.
//
//	go_peer echo|handlers|DIR
//
// Prints the port that the kernel chose. Go sees how many CPUs it may use, which is one.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
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

type item struct {
	Id       int      `json:"id"`
	Name     string   `json:"name"`
	Price    float64  `json:"price"`
	Tags     []string `json:"tags"`
	In_stock bool     `json:"in_stock"`
}

func answerJson(w http.ResponseWriter, _ *http.Request) {
	items := make([]item, 47)
	for i := range items {
		items[i] = item{i, fmt.Sprintf("item number %d", i), float64(i)*7 + float64(i)/100,
			[]string{"new", "blue"}, i%2 == 1}
	}
	body, _ := json.Marshal(map[string][]item{"items": items})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func answerUpload(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	fmt.Fprintln(w, n)
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if len(os.Args) > 1 && os.Args[1] == "handlers" {
		http.HandleFunc("/json", answerJson)
		http.HandleFunc("/upload", answerUpload)
		http.Serve(listener, nil)
		return
	}
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
