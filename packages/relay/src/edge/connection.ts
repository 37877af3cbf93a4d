import type { Socket } from 'node:net';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import type { EffectiveLimits } from '../limits.ts';
import type { RelayLogger, RelayMetrics } from '../ports.ts';
import { errorAnswer, renderAnswer, type EdgeAnswer } from './answer.ts';
import { scannerFor, type BodyScanner } from './body.ts';
import { overdue, type Situation } from './deadlines.ts';
import type { Gate, Passage, Verdict, Visitor } from './gate.ts';
import { HeadReader } from './head-reader.ts';
import { parseHead, type RequestHead } from './head.ts';
import { HeadMemo } from './memo.ts';
import type { Exchange } from './response.ts';
import { numbered, requestId } from './rewrite.ts';
import { VisitorSocket } from './visitor-socket.ts';
import { Upstream, type UpstreamEnd, type UpstreamEvents } from './upstream.ts';

/** What a connection needs of the edge that it belongs to. */
export interface EdgeContext {
  readonly gate: Gate;
  readonly limits: EffectiveLimits;
  readonly metrics: Partial<RelayMetrics>;
  readonly logger: RelayLogger;
  readonly isDraining: () => boolean;
  /** Address and scheme of the real client, when a trusted proxy stands in front. */
  readonly visitorOf: (head: RequestHead, direct: Visitor) => Visitor;
  readonly onOther: (socket: Socket, bytes: Buffer) => void;
  readonly onClosed: (connection: EdgeConnection) => void;
}

/**
 * What the client's bytes are at the moment. `held`: they wait for the answer to an upgrade, or for earlier answers. `deciding`: they wait for
 * the verdict on the last head. `last`: no request may follow. `over`: the relay has answered, or the connection is closing.
 */
type Phase = 'head' | 'deciding' | 'body' | 'held' | 'raw' | 'last' | 'over';

/** After the client ended its direction: quiet time after which it is taken to be gone. Nothing on the wire tells the two apart. */
const HALF_CLOSED_QUIET = 500;

/** One public connection. Its first request pins it to a host name; each request is decided on its own. Owns the socket. */
export class EdgeConnection implements UpstreamEvents {
  readonly visitor: Visitor;
  readonly #socket: VisitorSocket;
  readonly #context: EdgeContext;
  readonly #reader: HeadReader;
  readonly #memo = new HeadMemo();
  #phase: Phase = 'head';
  #pinned: string | undefined;
  #upstream: Upstream | undefined;
  #scanner: BodyScanner | undefined;
  #passage: Passage | undefined;
  #lastHead: RequestHead | undefined;
  #stash: Buffer | undefined;
  #afterAnswers: (() => void) | undefined;
  #count = 0;
  #mayReplay = false;
  #isBlocked = false;
  #hasEnded = false;
  /** Last byte from or to the client that moved things on, epoch ms. */
  #progressAt: number;
  #headStartedAt: number;
  #deadline = Infinity;

  constructor(socket: Socket, context: EdgeContext, visitor: Visitor) {
    this.#socket = new VisitorSocket(socket, { onData: this.#onData, onEnd: this.#onEnd, onDrain: this.#onDrain, onClose: this.#onClose });
    this.#context = context;
    this.visitor = visitor;
    this.#reader = new HeadReader(context.limits.headBytes);
    this.#progressAt = Date.now();
    this.#headStartedAt = this.#progressAt;
  }

  get credentialId(): string | undefined {
    return this.#passage?.grant?.credentialId;
  }

  /** Bytes of the client that somebody else read before. */
  feed(bytes: Buffer): void {
    this.#onData(bytes);
  }

  /** The credential of the running request is no longer valid: whatever it carries ends. */
  revoke(): void {
    this.#memo.forget();
    if (this.#isBusy) this.destroy();
  }

  /** Ends the connection after the running exchange; at once when there is none. */
  drain(): void {
    this.#memo.forget();
    if (!this.#isBusy && !this.#reader.started) this.#close();
  }

  destroy(): void {
    this.#upstream?.abort();
    this.#upstream = undefined;
    this.#socket.destroy();
  }

  /** Looks at deadlines; called every `edgeLimits.sweepInterval`. */
  sweep(now: number): void {
    const expiresAt = this.#passage?.grant?.expiresAt;
    const isExpired = expiresAt !== undefined && now >= expiresAt && this.#isBusy;
    if (isExpired || now >= this.#deadline) return this.destroy();
    if (this.#phase === 'over' || this.#phase === 'raw') return undefined;
    const due = overdue(this.#situation(now), this.#context.limits);
    if (due === 'cut') this.destroy();
    else if (due === 'close') this.#close();
    else if (due !== undefined) this.#fail(new RstreamError(due));
    return undefined;
  }

  #situation(now: number): Situation {
    const hasHeadBegun = this.#reader.started;
    return {
      quiet: now - this.#progressAt,
      headAge: hasHeadBegun || this.#pinned === undefined ? now - this.#headStartedAt : undefined,
      hasHeadBegun,
      isStalled: this.#socket.isStalled,
      isUploading: this.#phase === 'body' && !this.#isBlocked,
      isAwaiting: this.#isAwaiting,
      isBusy: this.#isBusy,
    };
  }

  get #isBusy(): boolean {
    const upstream = this.#upstream;
    return this.#phase === 'raw' || this.#phase === 'body' || (upstream !== undefined && upstream.waiting.length > 0);
  }

  get #isAwaiting(): boolean {
    const upstream = this.#upstream;
    return upstream !== undefined && upstream.waiting.length > 0 && upstream.tracker.atBoundary;
  }

  // ---- bytes of the client

  readonly #onData = (chunk: Buffer): void => {
    if (this.#phase === 'over') return;
    this.#consume(chunk);
  };

  #consume(chunk: Buffer): void {
    this.#progressAt = Date.now();
    let at = 0;
    while (at < chunk.length) {
      switch (this.#phase) {
        case 'head':
          at = this.#takeHead(chunk, at);
          break;
        case 'body':
          at = this.#takeBody(chunk, at);
          break;
        case 'raw':
          this.#pass(at === 0 ? chunk : chunk.subarray(at));
          return;
        case 'held':
        case 'deciding':
          this.#stash = chunk.subarray(at);
          this.#socket.pause();
          return;
        case 'last':
        case 'over':
          return;
      }
    }
  }

  /** Goes on with bytes that had to wait. */
  #proceed(): void {
    const bytes = this.#stash;
    this.#stash = undefined;
    if (bytes !== undefined) this.#consume(bytes);
    if (this.#stash === undefined && !this.#isBlocked) this.#socket.resume();
  }

  #takeHead(chunk: Buffer, at: number): number {
    const known = this.#reader.started ? undefined : this.#memo.match(chunk, at, this.#progressAt);
    if (known !== undefined) {
      this.#forward(known.passage, known.exchange);
      return at + known.bytes.length;
    }
    try {
      if (!this.#reader.started) this.#headStartedAt = this.#progressAt;
      const found = this.#reader.push(chunk, at);
      if (found === undefined) return chunk.length;
      this.#judge(found.head, chunk.subarray(found.end));
      return found.end;
    } catch (error) {
      this.#lastHead = undefined;
      this.#refuse(errorAnswer(toRstreamError(error)));
      return chunk.length;
    }
  }

  /** @param rest what follows the head; only needed to give the connection away */
  #judge(bytes: Buffer, rest: Buffer): void {
    const { gate, limits, isDraining } = this.#context;
    const head = parseHead(bytes.toString('latin1', 0, bytes.length - 4), limits.headCount);
    if (this.#pinned === undefined && !gate.isPublished(head.hostname)) return this.#handOver(Buffer.concat([bytes, rest]));
    this.#lastHead = head;
    this.#pinned ??= head.hostname;
    if (head.hostname !== this.#pinned) throw new RstreamError('MISDIRECTED');
    if (isDraining()) throw new RstreamError('SERVICE_UNAVAILABLE');
    const verdict = gate.decide(head, this.#context.visitorOf(head, this.visitor));
    if (!(verdict instanceof Promise)) return this.#apply(verdict, bytes);
    this.#phase = 'deciding';
    void verdict.then((decided) => this.#applyLate(decided, bytes));
    return undefined;
  }

  #applyLate(verdict: Verdict, bytes: Buffer): void {
    if (this.#phase !== 'deciding') return;
    this.#phase = 'head';
    this.#apply(verdict, bytes);
    this.#proceed();
  }

  #apply(verdict: Verdict, bytes: Buffer): void {
    if ('answer' in verdict) return this.#refuse(verdict.answer);
    const { passage } = verdict;
    const exchange: Exchange = { method: passage.head.method, upgrade: passage.head.upgrade !== undefined };
    this.#memo.remember({ bytes, passage, exchange });
    this.#forward(passage, exchange);
  }

  // ---- requests to the service

  #forward(passage: Passage, exchange: Exchange): void {
    const upstream = this.#upstream;
    const mustWait =
      upstream !== undefined &&
      upstream.waiting.length > 0 &&
      (!upstream.serves(passage) || upstream.waiting.length >= this.#context.limits.pipelinedRequests);
    if (mustWait) {
      this.#phase = 'held';
      this.#afterAnswers = () => {
        this.#phase = 'head';
        this.#forward(passage, exchange);
        this.#proceed();
      };
      return;
    }
    if (upstream !== undefined && !upstream.serves(passage)) this.#letGo();
    this.#passage = passage;
    this.#send(passage, exchange);
  }

  #send(passage: Passage, exchange: Exchange): void {
    const { head } = passage;
    this.#count += 1;
    this.#context.metrics.edgeRequest?.();
    this.#scanner = scannerFor(head.body, this.#context.limits);
    this.#mayReplay = this.#scanner === undefined && /^(?:GET|HEAD|OPTIONS)$/.test(head.method);
    this.#phase = this.#scanner !== undefined ? 'body' : this.#afterBody(head);
    try {
      this.#upstream ??= this.#open(passage);
    } catch (error) {
      return this.#refuse(errorAnswer(toRstreamError(error, 'SESSION_LOST')));
    }
    if (!this.#upstream.send(exchange, numbered(passage.template, this.#count))) this.#block();
    return undefined;
  }

  #open(passage: Passage): Upstream {
    return new Upstream({
      tunnel: passage.tunnel,
      grant: passage.grant,
      clientIp: passage.visitor.clientIp,
      streamId: requestId(this.visitor.connectionId, this.#count),
      limits: this.#context.limits,
      events: this,
    });
  }

  #afterBody(head: RequestHead): Phase {
    if (head.upgrade !== undefined) return 'held';
    return head.close ? 'last' : 'head';
  }

  #takeBody(chunk: Buffer, at: number): number {
    const scanner = this.#scanner;
    const head = this.#passage?.head;
    if (scanner === undefined || head === undefined) return chunk.length;
    let end: number;
    try {
      end = scanner.scan(chunk, at);
    } catch (error) {
      this.#fail(toRstreamError(error));
      return chunk.length;
    }
    if (scanner.done) {
      this.#scanner = undefined;
      this.#phase = this.#afterBody(head);
    }
    this.#pass(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  #pass(bytes: Buffer): void {
    if (this.#upstream?.write(bytes) === false) this.#block();
  }

  #block(): void {
    this.#isBlocked = true;
    this.#socket.pause();
  }

  onUpstreamDrain(): void {
    this.#isBlocked = false;
    this.#progressAt = Date.now();
    if (this.#stash === undefined) this.#socket.resume();
  }

  // ---- answers of the service

  onUpstreamData(chunk: Buffer): void {
    this.#progressAt = Date.now();
    if (!this.#socket.write(chunk)) this.#upstream?.pause();
  }

  onAnswered(): void {
    const upstream = this.#upstream;
    this.#context.metrics.edgeResponse?.(upstream?.tracker.status ?? 0);
    if (upstream?.tracker.closing === true) return this.#close();
    const next = this.#afterAnswers;
    this.#afterAnswers = undefined;
    if (next !== undefined) next();
    // A service may keep its connection although the visitor asked for the end of his.
    else if (this.#phase === 'last') this.#close();
    else if (this.#phase === 'held') this.#refusedUpgrade();
    else if (this.#context.isDraining() && this.#phase === 'head') this.#close();
    return undefined;
  }

  /** The service answered an upgrade with an ordinary response: what the client sent meanwhile is read as requests. */
  #refusedUpgrade(): void {
    this.#phase = this.#passage?.head.close === true ? 'last' : 'head';
    this.#proceed();
  }

  onSwitched(): void {
    this.#context.metrics.edgeResponse?.(101);
    this.#phase = 'raw';
    this.#memo.forget();
    this.#socket.keepAlive();
    this.#proceed();
  }

  onRawEnd(): void {
    this.#socket.end();
  }

  onUpstreamGone(end: UpstreamEnd): void {
    const isOnlyOne = this.#upstream?.waiting.length === 1;
    this.#upstream = undefined;
    this.#isBlocked = false;
    switch (end.kind) {
      case 'idle':
        if (!end.mayReuse) this.#context.metrics.edgeResponse?.(end.status);
        // An early answer was complete, but the body that it answered goes nowhere now.
        if (!end.mayReuse || this.#hasEnded || this.#phase === 'body') this.#close();
        return undefined;
      case 'truncated':
        return this.destroy();
      case 'unanswered':
        if (!end.isFresh && isOnlyOne && this.#replay()) return undefined;
        return this.#answer(errorAnswer(end.error));
    }
  }

  /** A kept-alive service connection may close just as the next request is sent; one that changes nothing is sent once more. */
  #replay(): boolean {
    const passage = this.#passage;
    if (!this.#mayReplay || passage === undefined || !passage.tunnel.live || this.#phase === 'over') return false;
    const phase = this.#phase;
    this.#send(passage, { method: passage.head.method, upgrade: passage.head.upgrade !== undefined });
    if (this.#phase === 'head') this.#phase = phase;
    return true;
  }

  // ---- answers of the relay

  /** Refuses the last request, after the answers to earlier ones. */
  #refuse(answer: EdgeAnswer): void {
    const isFirst = this.#upstream === undefined || this.#upstream.waiting.length === 0;
    if (isFirst) return this.#answer(answer);
    this.#phase = 'last';
    this.#deadline = Date.now() + this.#context.limits.refusalWait;
    this.#afterAnswers = () => this.#answer(answer);
    return undefined;
  }

  /** Gives up on the running request: with an answer when none of the service's has begun, with a cut otherwise. */
  #fail(error: RstreamError): void {
    const upstream = this.#upstream;
    const mayAnswer = upstream === undefined || (upstream.tracker.atBoundary && upstream.waiting.length <= 1);
    if (mayAnswer) this.#answer(errorAnswer(error));
    else this.destroy();
  }

  #answer(answer: EdgeAnswer): void {
    if (this.#phase === 'over') return;
    const id = requestId(this.visitor.connectionId, this.#count);
    const { metrics, logger } = this.#context;
    if (answer.error !== undefined) {
      metrics.edgeRefused?.(answer.error.code);
      logger.debug(
        { request_id: id, code: answer.error.code, hostname: this.#pinned, client_ip: this.visitor.clientIp },
        'request refused',
      );
    }
    const bytes = renderAnswer(answer, this.#lastHead, id);
    this.#upstream?.abort();
    this.#upstream = undefined;
    this.#finish(bytes);
  }

  /** Ends the connection in order; what the client still sends is read and dropped for a moment, so that it can read our last bytes. */
  #close(): void {
    this.#letGo();
    this.#finish();
  }

  #finish(bytes?: Buffer): void {
    this.#phase = 'over';
    this.#memo.forget();
    this.#stash = undefined;
    this.#deadline = Date.now() + this.#context.limits.lingerTimeout;
    this.#socket.end(bytes);
    this.#socket.resume();
  }

  #letGo(): void {
    this.#upstream?.release();
    this.#upstream = undefined;
  }

  #handOver(bytes: Buffer): void {
    this.#phase = 'over';
    const socket = this.#socket.giveAway();
    this.#context.onClosed(this);
    this.#context.onOther(socket, bytes);
  }

  // ---- the client's socket

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    const isMidRequest = this.#phase === 'body' || (this.#phase === 'head' && this.#reader.started);
    if (this.#phase === 'raw') this.#upstream?.end();
    else if (isMidRequest) this.destroy();
    else if (this.#phase !== 'over' && this.#phase !== 'deciding' && !this.#isBusy) this.#close();
    else this.#endWhenQuiet();
  };

  /** A client that only ended its direction still gets an answer that is on its way; one that has gone must not keep the service at work. */
  #endWhenQuiet(): void {
    const timer = setTimeout(() => {
      if (this.#phase === 'over' || this.#phase === 'raw') return;
      if (Date.now() - this.#progressAt >= HALF_CLOSED_QUIET) this.destroy();
      else this.#endWhenQuiet();
    }, HALF_CLOSED_QUIET);
    timer.unref();
  }

  readonly #onDrain = (): void => {
    this.#progressAt = Date.now();
    this.#upstream?.resume();
  };

  readonly #onClose = (): void => {
    this.#phase = 'over';
    this.#upstream?.abort();
    this.#upstream = undefined;
    this.#context.onClosed(this);
  };
}
