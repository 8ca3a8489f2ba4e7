// The features by github.com/philippseith/signalr: interop URL text|binary websockets|sse
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/philippseith/signalr"
)

const timeout = 10 * time.Second

type receiver struct {
	signalr.Receiver
	messages chan string
}

func (r *receiver) Message(text string) { r.messages <- text }
func (r *receiver) Result(_ string) int { return 10 }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func same(what string, actual, expected interface{}) {
	if fmt.Sprint(actual) != fmt.Sprint(expected) {
		check(fmt.Errorf("%s is %v and should be %v", what, actual, expected))
	}
}

func await(what string, results <-chan signalr.InvokeResult) (interface{}, error) {
	select {
	case result := <-results:
		return result.Value, result.Error
	case <-time.After(timeout):
		check(fmt.Errorf("waited in vain for %s", what))
		return nil, nil
	}
}

func gives(client signalr.Client, expected interface{}, method string, arguments ...interface{}) {
	value, err := await(method, client.Invoke(method, arguments...))
	check(err)
	same(method, value, expected)
}

func fails(client signalr.Client, expected string, method string, arguments ...interface{}) {
	_, err := await(method, client.Invoke(method, arguments...))
	same("the error of "+method, err, expected)
}

func connected(ctx context.Context, r *receiver) signalr.Client {
	url, format, transport := os.Args[1], os.Args[2], signalr.TransportWebSockets
	if os.Args[3] == "sse" {
		transport = signalr.TransportServerSentEvents
	}
	transferFormat := signalr.TransferFormatText
	if format == "binary" {
		transferFormat = signalr.TransferFormatBinary
	}
	client, err := signalr.NewClient(ctx,
		signalr.WithConnector(func() (signalr.Connection, error) {
			return signalr.NewHTTPConnection(ctx, url+"/hub", signalr.WithTransports(transport))
		}),
		signalr.WithReceiver(r),
		signalr.TransferFormat(transferFormat),
		signalr.Logger(log.NewLogfmtLogger(io.Discard), false))
	check(err)
	client.Start()
	check(<-client.WaitForState(ctx, signalr.ClientConnected))
	return client
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 6*timeout)
	defer cancel()
	r := &receiver{messages: make(chan string, 10)}
	client := connected(ctx, r)

	gives(client, "你好，世界！", "EchoText", "你好，世界！")
	gives(client, 3, "SumOf", 1, 2)
	gives(client, 30_000, "LengthOf", strings.Repeat("x", 30_000))
	fails(client, "Unknown hub method 'NoSuchMethod'", "NoSuchMethod")
	fails(client, "An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: no",
		"ThrowHubException", "no")
	gives(client, nil, "InvokeWithString", "hello")
	same("the message", <-r.messages, "hello")
	gives(client, 10, "Ask", "Result", "x")

	count := 0
	for item := range client.PullStream("Count", 100) {
		check(item.Error)
		same("the item", item.Value, count)
		count++
	}
	same("the number of items", count, 100)

	left, right := make(chan int), make(chan int)
	sum := client.PushStreams("SumBoth", 10, left, right)
	go func() {
		for number := 0; number < 20; number++ {
			left <- number
		}
		close(left)
		for number := 0; number < 20; number++ {
			right <- 1
		}
		close(right)
	}()
	value, err := await("the sum", sum)
	check(err)
	same("the sum", value, 2100)
	client.Stop()
	fmt.Println("done")
}
