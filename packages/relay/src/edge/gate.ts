import { RstreamError, toRstreamError } from '@rstream/protocol';
import { tokenQueryParameter } from '@rstream/protocol/wire';
import type { HostPlan } from '../hostnames.ts';
import type { Authority, Grant, ProjectRef, Projects } from '../ports.ts';
import type { Registry, TunnelEntry } from '../registry.ts';
import { errorAnswer, wantsHtml, type EdgeAnswer } from './answer.ts';
import { clearCredential, type ClearedRequest } from './credential.ts';
import type { RequestHead } from './head.ts';
import { pathReadings } from './path.ts';
import { rewriteHead } from './rewrite.ts';

/** Facts about the connection that a request came on. */
export interface Visitor {
  readonly clientIp: string;
  readonly proto: 'http' | 'https';
  readonly connectionId: string;
}

/** A request that may pass. Holds for the next byte-identical head while `tunnel.live` and the grant last. */
export interface Passage {
  readonly tunnel: TunnelEntry;
  readonly head: RequestHead;
  /** The rewritten head, see `rewriteHead`. */
  readonly template: Buffer;
  readonly grant: Grant | undefined;
  readonly visitor: Visitor;
}

/** What the gate decides: let it pass, or answer it. */
export type Verdict = { readonly passage: Passage } | { readonly answer: EdgeAnswer };

export interface GateOptions {
  readonly authority: Authority;
  readonly projects: Projects;
  readonly registry: Registry;
  readonly hosts: HostPlan;
}

/** The one place that decides about a public request: route, client address, credential, scope and path. */
export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** True when a host name belongs to the edge; all others are the control plane's. */
  isPublished(hostname: string): boolean {
    return this.#options.hosts.isPublished(hostname);
  }

  /** Never throws or rejects. Decides at once unless the authority has to look a token up. */
  decide(head: RequestHead, visitor: Visitor): Verdict | Promise<Verdict> {
    try {
      const tunnel = this.#route(head.hostname);
      if (!tunnel.admits(visitor.clientIp))
        throw new RstreamError('FORBIDDEN', 'This tunnel does not admit your address.', {
          next: 'Ask the owner to add it to trusted_ips.',
        });
      const gated = tunnel.record.token_auth === true;
      const request = clearCredential(head, gated);
      if (!gated) return pass(tunnel, head, request, visitor);
      if (request.token === undefined) throw new RstreamError('UNAUTHORIZED', 'This tunnel needs a token.');
      const grant = this.#options.authority.authenticate(request.token, tunnel.holder.project);
      const decideWith = (proven: Grant): Verdict => admit(proven, tunnel, { head, request, visitor });
      return grant instanceof Promise ? grant.then(decideWith).catch(refusal) : decideWith(grant);
    } catch (error) {
      return refusal(error);
    }
  }

  #route(hostname: string): TunnelEntry {
    const { registry, hosts, projects } = this.#options;
    const tunnel = registry.byHostname(hostname);
    if (tunnel?.live === true) return tunnel;
    if (tunnel !== undefined || registry.isRemembered(hostname)) throw new RstreamError('TUNNEL_OFFLINE');
    const endpoint = hosts.endpointOf(hostname);
    const project: ProjectRef | undefined = endpoint === undefined ? undefined : projects.byEndpoint(endpoint);
    throw new RstreamError('TUNNEL_NOT_FOUND', project === undefined ? 'There is no such address.' : 'No tunnel has this address.', {
      next: 'Check the address, or open the tunnel again.',
    });
  }
}

interface GatedRequest {
  readonly head: RequestHead;
  readonly request: ClearedRequest;
  readonly visitor: Visitor;
}

function admit(grant: Grant, tunnel: TunnelEntry, gated: GatedRequest): Verdict {
  const { head, request, visitor } = gated;
  try {
    for (const path of pathReadings(request.target)) {
      const decision = grant.allows({ type: 'tunnel.connect', project: tunnel.holder.project, tunnel: { ...tunnel.record }, path });
      if (!decision.allowed) throw decision.error;
    }
    if (request.source === 'query' && head.method === 'GET' && wantsHtml(head)) return { answer: firstVisit(grant, gated) };
    return pass(tunnel, head, request, visitor, grant);
  } catch (error) {
    return refusal(error);
  }
}

// oxlint-disable-next-line max-params -- four facts and the grant that only gated tunnels have
function pass(tunnel: TunnelEntry, head: RequestHead, request: ClearedRequest, visitor: Visitor, grant?: Grant): Verdict {
  const cleared: RequestHead = { ...head, target: request.target, fields: request.fields };
  return { passage: { tunnel, head: cleared, template: rewriteHead(cleared, visitor), grant, visitor } };
}

/** A browser that followed a link with a token: the token moves into a cookie of this host, and out of the address bar and history. */
function firstVisit(grant: Grant, gated: GatedRequest): EdgeAnswer {
  const { head, request, visitor } = gated;
  const lifetime = grant.expiresAt === undefined ? [] : [`Max-Age=${Math.max(0, Math.floor((grant.expiresAt - Date.now()) / 1000))}`];
  const secure = visitor.proto === 'https' ? ['Secure'] : [];
  const cookie = [`${tokenQueryParameter}=${request.token ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Lax', ...secure, ...lifetime];
  // Absolute, because a target such as `//example.net/` would otherwise be another site.
  const location = `${visitor.proto}://${head.host}${request.target}`;
  return { status: 303, headers: { location, 'set-cookie': cookie.join('; ') } };
}

function refusal(error: unknown): Verdict {
  return { answer: errorAnswer(toRstreamError(error)) };
}
