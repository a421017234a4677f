// go_sync.go - peer: locks and channels between goroutines.
//
//	go_sync lock|chan|chan-across
//
// Prints nanoseconds per lock and unlock, or per item; the same rows as weft's own side.
// On one processor for chan, on two for chan-across.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

const (
	locks       = 10_000_000
	items       = 2_000_000
	itemsAcross = 20_000
	capacity    = 64
)

func timeLocks() float64 {
	var mutex sync.Mutex
	start := time.Now()
	for i := 0; i < locks; i++ {
		mutex.Lock()
		mutex.Unlock()
	}
	return float64(time.Since(start).Nanoseconds()) / locks
}

func timeChan(count, room int, selects bool) float64 {
	ch := make(chan uint64, room)
	other := make(chan uint64)
	start := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			ch <- uint64(i)
		}
	}()
	for i := 0; i < count; i++ {
		if !selects {
			<-ch
			continue
		}
		select {
		case <-ch:
		case <-other:
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(count)
}

func main() {
	switch os.Args[1] {
	case "lock":
		alone := timeLocks()
		fmt.Printf("%.4f %.4f\n", alone, alone)
	case "chan":
		runtime.GOMAXPROCS(1)
		fmt.Printf("%.4f %.4f %.4f\n", timeChan(items, 0, false),
			timeChan(items, capacity, false), timeChan(items, capacity, true))
	case "chan-across":
		runtime.GOMAXPROCS(2)
		fmt.Printf("%.4f %.4f\n", timeChan(itemsAcross, 0, false),
			timeChan(10*itemsAcross, capacity, false))
	default:
		os.Exit(2)
	}
}
