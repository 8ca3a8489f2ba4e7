import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionBuilder;
import com.microsoft.signalr.HubConnectionState;
import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.core.Completable;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.subjects.ReplaySubject;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The features by com.microsoft.signalr: Interop URL WEBSOCKETS|LONG_POLLING. */
public class Interop {
  private static final int TIMEOUT_S = 10;

  private final String url;
  private final TransportEnum transport;
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();

  private Interop(String url, TransportEnum transport) {
    this.url = url;
    this.transport = transport;
  }

  public static void main(String[] arguments) throws Exception {
    Interop interop = new Interop(arguments[0], TransportEnum.valueOf(arguments[1]));
    HubConnection hub = interop.connect();
    interop.calls(hub);
    interop.streams(hub);
    if (interop.transport == TransportEnum.WEBSOCKETS) {
      interop.uploads(hub); // by long polling it posts without waiting, so that items may come before their call
    }
    interop.ends(hub);
    System.out.println("done");
    System.exit(0); // its threads live on
  }

  private HubConnection connect() {
    HubConnection hub =
        HubConnectionBuilder.create(url + "/hub")
            .withTransport(transport)
            .withAccessTokenProvider(Single.defer(() -> Single.just("ann")))
            .withHeader("X-HEADER", "VALUE")
            .build();
    hub.on("Message", messages::add, String.class);
    hub.on("StreamCanceled", messages::add, String.class);
    hub.onWithResult("Result", (argument) -> Single.just(10), String.class);
    await(hub.start());
    same(hub.getConnectionState(), HubConnectionState.CONNECTED, "the state");
    return hub;
  }

  private void calls(HubConnection hub) throws Exception {
    same(await(hub.invoke(String.class, "EchoText", "你好，世界！")), "你好，世界！", "the text");
    same(await(hub.invoke(Integer.class, "SumOf", 1, 2)), 3, "the sum");
    List<?> who = await(hub.invoke(List.class, "Whoami"));
    same(who, List.of(hub.getConnectionId(), "ann"), "who the server sees");
    same(await(hub.invoke(String.class, "Header", "X-HEADER")), "VALUE", "the header");
    await(hub.invoke("Nothing"));
    same(await(hub.invoke(Integer.class, "LengthOf", "x".repeat(30_000))), 30_000, "the length");
    same(errorOf(hub.invoke("NoSuchMethod")), "Unknown hub method 'NoSuchMethod'", "the error");
    same(
        errorOf(hub.invoke("ThrowHubException", "no")),
        "An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: no",
        "the error");
    hub.send("InvokeWithString", "hello");
    same(messages.poll(TIMEOUT_S, TimeUnit.SECONDS), "hello", "the message");
    same(await(hub.invoke(Integer.class, "Ask", "Result", "x")), 10, "the client's result");
  }

  private void streams(HubConnection hub) throws Exception {
    same(await(hub.stream(Integer.class, "Count", 100).toList()).size(), 100, "the number of items");
    String error = errorOf(hub.stream(Integer.class, "StreamRefuse", "no").ignoreElements());
    same(error, "An error occurred on the server while streaming results. HubException: no", "the error");
    hub.stream(Integer.class, "InfiniteStream", "java").subscribe().dispose();
    same(messages.poll(TIMEOUT_S, TimeUnit.SECONDS), "java", "the stream that was cancelled");
  }

  private void uploads(HubConnection hub) {
    ReplaySubject<String> pieces = ReplaySubject.create();
    Single<String> text = hub.invoke(String.class, "StreamingConcat", pieces);
    pieces.onNext("Hello ");
    pieces.onNext("world");
    pieces.onComplete();
    same(await(text), "Hello world", "the text");
    ReplaySubject<String> broken = ReplaySubject.create();
    Single<String> failing = hub.invoke(String.class, "StreamingConcat", broken);
    broken.onError(new Exception("Something bad"));
    String error = errorOf(failing.ignoreElement());
    if (!error.contains("Something bad")) {
      throw new AssertionError(error);
    }
  }

  private void ends(HubConnection hub) throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    hub.onClosed(error -> closed.countDown());
    await(hub.stop());
    same(closed.await(TIMEOUT_S, TimeUnit.SECONDS), true, "the end");
    await(hub.start());
    same(await(hub.invoke(String.class, "EchoText", "again")), "again", "the text");
    await(hub.stop());
    HubConnection guarded = HubConnectionBuilder.create(url + "/guarded").withTransport(transport).build();
    same(errorOf(guarded.start()), "Unexpected status code returned from negotiate: 401 Unauthorized.", "the error");
  }

  private static void same(Object actual, Object expected, String what) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + " is " + actual + " and should be " + expected);
    }
  }

  private static <T> T await(Single<T> answer) {
    return answer.timeout(TIMEOUT_S, TimeUnit.SECONDS).blockingGet();
  }

  private static void await(Completable answer) {
    answer.timeout(TIMEOUT_S, TimeUnit.SECONDS).blockingAwait();
  }

  private static String errorOf(Completable answer) {
    try {
      await(answer);
    } catch (RuntimeException error) {
      return (error.getCause() == null ? error : error.getCause()).getMessage();
    }
    throw new AssertionError("it succeeded");
  }
}
