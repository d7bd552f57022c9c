import type { Configuration, DaemonKind } from './daemon.ts';

/** Where Debian puts modules and jars. */
const APACHE_MODULES = '/usr/lib/apache2/modules';
const TOMCAT_HOME = '/usr/share/tomcat10';

export const APACHE: DaemonKind = {
  name: 'apache',
  from: 'apache2-bin',
  probe: ['/usr/sbin/apache2', '-v'],
  command: (home) => ['/usr/sbin/apache2', '-DFOREGROUND', '-d', home, '-f', `${home}/httpd.conf`],
  log: 'error.log',
};

interface Served {
  /** Directory that is served. */
  readonly root: string;
  /** Directives more. */
  readonly extra?: string;
}

const MODULES = [
  ...['mpm_event', 'authz_core', 'mime', 'dir', 'headers', 'filter', 'deflate', 'setenvif'],
  ...['slotmem_shm', 'proxy', 'proxy_http', 'proxy_balancer', 'lbmethod_byrequests', 'env'],
];

const apacheGlobal = (home: string) => `
${MODULES.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join('\n')}
User www-data
Group www-data
PidFile ${home}/httpd.pid
DefaultRuntimeDir ${home}
ErrorLog ${home}/error.log
LogLevel warn
ServerName localhost
TypesConfig /dev/null
AddType application/zip .zip
<Directory />
  Require all granted
</Directory>
`;

export const apache =
  ({ root, extra = '' }: Served): Configuration =>
  (home, port) => ({
    'httpd.conf': `${apacheGlobal(home)}
Listen 127.0.0.1:${port}
DocumentRoot "${root}"
${extra}
`,
  });

/** Two nodes with a copy each behind one balancer; the ETag is made of the inode. */
export const apacheNodes =
  (roots: readonly string[], ports: readonly number[]): Configuration =>
  (home, port) => {
    const nodes = roots.map(
      (root, at) => `Listen 127.0.0.1:${ports[at] ?? 0}
<VirtualHost 127.0.0.1:${ports[at] ?? 0}>
  DocumentRoot "${root}"
  FileETag INode MTime Size
</VirtualHost>`,
    );
    const members = ports.map((each) => `  BalancerMember http://127.0.0.1:${each}`);
    return {
      'httpd.conf': `${apacheGlobal(home)}
Listen 127.0.0.1:${port}
${nodes.join('\n')}
<VirtualHost 127.0.0.1:${port}>
  <Proxy balancer://nodes>
${members.join('\n')}
    ProxySet lbmethod=byrequests
  </Proxy>
  ProxyPass / balancer://nodes/
</VirtualHost>
`,
    };
  };

export const LIGHTTPD: DaemonKind = {
  name: 'lighttpd',
  from: 'lighttpd',
  probe: ['/usr/sbin/lighttpd', '-v'],
  command: (home) => ['/usr/sbin/lighttpd', '-D', '-f', `${home}/lighttpd.conf`],
  log: 'error.log',
};

export const lighttpd =
  ({ root, extra = '' }: Served): Configuration =>
  (home, port) => ({
    'lighttpd.conf': `
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${root}"
server.errorlog = "${home}/error.log"
server.upload-dirs = ( "${home}" )
mimetype.assign = ( ".zip" => "application/zip" )
${extra}
`,
  });

export const TOMCAT: DaemonKind = {
  name: 'tomcat',
  from: 'tomcat10-common default-jre-headless',
  probe: [
    '/usr/bin/java',
    ...['-cp', `${TOMCAT_HOME}/lib/*:${TOMCAT_HOME}/bin/*`, 'org.apache.catalina.util.ServerInfo'],
  ],
  command: (home) => [
    '/usr/bin/java',
    ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'],
    ...['-cp', `${TOMCAT_HOME}/bin/bootstrap.jar:${TOMCAT_HOME}/bin/tomcat-juli.jar`],
    ...[`-Dcatalina.home=${TOMCAT_HOME}`, `-Dcatalina.base=${home}`, `-Djava.io.tmpdir=${home}`],
    'org.apache.catalina.startup.Bootstrap',
  ],
  log: 'logs/catalina.log',
  folders: ['logs', 'work', 'webapps'],
};

export interface TomcatOptions {
  readonly root: string;
  /** Attributes of the connector. */
  readonly connector?: string;
  /** Parameters of the default servlet, by name. */
  readonly servlet?: Readonly<Record<string, string>>;
}

export const tomcat =
  ({ root, connector = '', servlet = {} }: TomcatOptions): Configuration =>
  (_, port) => ({
    'conf/server.xml': `<?xml version="1.0"?>
<Server port="-1">
  <Service name="Catalina">
    <Connector address="127.0.0.1" port="${port}" ${connector}/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" deployOnStartup="false" autoDeploy="false">
        <Context path="" docBase="${root}"/>
      </Host>
    </Engine>
  </Service>
</Server>
`,
    'conf/web.xml': `<?xml version="1.0"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
  <servlet>
    <servlet-name>default</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
    ${Object.entries(servlet)
      .map(
        ([name, value]) =>
          `<init-param><param-name>${name}</param-name><param-value>${value}</param-value></init-param>`,
      )
      .join('\n    ')}
  </servlet>
  <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
  <mime-mapping><extension>zip</extension><mime-type>application/zip</mime-type></mime-mapping>
</web-app>
`,
  });

export const SQUID: DaemonKind = {
  name: 'squid',
  from: 'squid',
  probe: ['/usr/sbin/squid', '-v'],
  command: (home) => ['/usr/sbin/squid', '-N', '-f', `${home}/squid.conf`],
  log: 'cache.log',
};

/** A proxy that keeps what passes in memory. */
export const squid =
  (extra = ''): Configuration =>
  (home, port) => ({
    'squid.conf': `
http_port 127.0.0.1:${port}
http_access allow all
pid_filename none
access_log none
cache_log /dev/stderr
cache_store_log none
netdb_filename none
icon_directory /usr/share/squid/icons
coredump_dir ${home}
cache_mem 128 MB
maximum_object_size_in_memory 64 MB
memory_cache_shared off
shutdown_lifetime 0 seconds
pinger_enable off
${extra}
`,
  });
