import { matchesGlob } from './glob.ts';
import { denied, type CommandPolicy } from './policy.ts';

const names = (...lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(' '));

/**
 * Names that make a program load other code, read other start-up or configuration files, trust other authorities or write
 * somewhere else than the policy saw. Taken only when the policy lists the exact name. A client that may run any command can do
 * all of that anyway; the list keeps it from happening by a forwarded environment, and holds where `allow` bounds the commands.
 */
const dangerousNames: readonly string[] = names(
  // Search path, loader and C library, with all that the library itself ignores in privileged programs.
  'PATH LD_* DYLD_* GCONV_PATH GETCONF_DIR GLIBC_TUNABLES MALLOC_* LOCPATH NLSPATH TZDIR HOSTALIASES LOCALDOMAIN',
  'RES_OPTIONS RESOLV_HOST_CONF NIS_PATH',
  // Who the account is, and where programs find its files: HOME alone decides on dozens of start-up files.
  'HOME SHELL USER LOGNAME XDG_* DBUS_* SSH_AUTH_SOCK KRB5* LDAP*',
  // Shells: start-up files, word splitting, prompts (which are expanded), history (which is written).
  'BASH_ENV BASH_FUNC_* BASH_LOADABLES_PATH BASHOPTS SHELLOPTS ENV IFS CDPATH FPATH ZDOTDIR PS0 PS1 PS2 PS4 PROMPT',
  'PROMPT_COMMAND RPROMPT INPUTRC HISTFILE TERMINFO TERMINFO_DIRS TERMCAP',
  // Interpreters and build tools.
  'NODE_OPTIONS NODE_PATH NODE_REPL_* NODE_V8_COVERAGE NODE_EXTRA_CA_CERTS NODE_TLS_* NPM_CONFIG_* BUN_* DENO_*',
  'PYTHON* PERL5* PERLLIB RUBYOPT RUBYLIB GEM_* BUNDLE_* PHPRC PHP_INI_* LUA_* AWKPATH AWKLIBPATH JAVA_TOOL_OPTIONS',
  '_JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH DOTNET_* CORECLR_* COR_* ERL_* R_PROFILE* R_ENVIRON* MAKEFLAGS MAKEFILES',
  'GNUMAKEFLAGS GOFLAGS RUSTC* CARGO_*',
  // What programs trust, and where secrets of a connection are written.
  'SSL_CERT_* SSLKEYLOGFILE OPENSSL_* CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE',
  // Options and configuration that name a command to run.
  'GIT_SSH* GIT_EXEC_PATH GIT_CONFIG* GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_ASKPASS GIT_SSL_* GIT_TEMPLATE_DIR',
  'GIT_DIR SSH_ASKPASS* SUDO_ASKPASS RSYNC_* TAR_OPTIONS LESS LESSOPEN LESSCLOSE LESSKEY* MANOPT VIMINIT EXINIT',
  'MYVIMRC GTK_MODULES GTK_PATH QT_PLUGIN_PATH KUBECONFIG AWS_CONFIG_FILE DOCKER_CONFIG DOCKER_HOST',
);

/**
 * Names of the programs that other programs start. A person at a terminal wants to choose them, and whoever may run any command
 * gains nothing; with a list of commands each would be a way around it.
 */
const programNames: readonly string[] = names('*EDITOR VISUAL *PAGER *BROWSER CC CXX');

/**
 * What a client may set when the policy lists commands but no variables, and in an account with an environment of its own: facts
 * about language, time and terminal.
 */
const harmlessNames: readonly string[] = names('LANG LANGUAGE LC_* TZ TERM COLORTERM NO_COLOR FORCE_COLOR COLUMNS LINES');

/**
 * Names that the program which takes another identity would read while it is still root, through the C library and the name
 * services. Never taken there, whatever the policy lists.
 */
const privilegedNames: readonly string[] = names(
  'LD_* GLIBC_TUNABLES MALLOC_* GCONV_PATH GETCONF_DIR LOCPATH NLSPATH LANGUAGE TZDIR TMPDIR HOSTALIASES LOCALDOMAIN',
  'RES_OPTIONS RESOLV_HOST_CONF NIS_PATH LDAP* KRB5* DBUS_* SYSTEMD_* SSS_* OPENSSL_* SSL_*',
);

/** What a variable would be set for. */
export interface VariableScope {
  /** The account has a clean environment of its own. */
  readonly login?: boolean | undefined;
  /** Another program takes the account's identity first. */
  readonly entered?: boolean | undefined;
}

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless the policy lets a client set this variable. */
export function assertEnvName(policy: CommandPolicy, name: string, scope: VariableScope = {}): void {
  if (!allowsVariable(policy, name, scope)) throw denied('env', `The device does not let clients set the variable ${name.slice(0, 100)}.`);
}

function allowsVariable({ allow, env }: CommandPolicy, name: string, { login = false, entered = false }: VariableScope): boolean {
  const isOne = (list: readonly string[]): boolean => list.some((pattern) => matchesGlob(pattern, name.toUpperCase()));
  if (entered && isOne(privilegedNames)) return false;
  if (env?.includes(name) === true) return true;
  if (isOne(dangerousNames) || (allow !== undefined && isOne(programNames))) return false;
  const listed = env ?? (allow === undefined && !login ? ['*'] : harmlessNames);
  return listed.some((pattern) => matchesGlob(pattern, name));
}
