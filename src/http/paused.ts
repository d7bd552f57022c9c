import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';

/**
 * The requests of a client, to be resumed when one of its connections ends. A connection that ends while its
 * parser waits for the reader makes undici 7 throw from the socket's own event, where nobody can catch it
 * (nodejs/undici#5360, fixed in undici 8 alone). Resumed a moment before, the parser gives the last bytes.
 * The others get one more piece of their sockets, and wait again.
 */
export class PausedRequests {
  readonly #running = new Set<Dispatcher.DispatchController>();

  /** @param socket before undici listens to it */
  watch(socket: Socket): void {
    for (const event of ['end', 'error', 'close']) socket.on(event, () => this.#resumeAll());
  }

  /** @returns the handler, whose request is known from its start to its end */
  follow(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    let running: Dispatcher.DispatchController | undefined;
    const forget = () => {
      if (running !== undefined) this.#running.delete(running);
    };
    return {
      ...handler,
      onRequestStart: (controller, context) => {
        running = controller;
        this.#running.add(controller);
        handler.onRequestStart?.(controller, context);
      },
      onResponseEnd: (controller, trailers) => {
        forget();
        handler.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => {
        forget();
        handler.onResponseError?.(controller, error);
      },
    };
  }

  #resumeAll(): void {
    for (const controller of this.#running) controller.resume();
  }
}
