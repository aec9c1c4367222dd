/**
 * Loaded into a worker before its own code (`node --import`): connections to one port go to another one. A Kafka client
 * follows the addresses that brokers advertise, so this is how all of its connections lead through a proxy while the
 * command under test stays exactly what is shipped. `CHAOS_REDIRECT=9092:41234`.
 */
import net from 'node:net';

const [from, to] = (process.env.CHAOS_REDIRECT ?? '').split(':').map(Number);
if (!from || !to) throw new Error('CHAOS_REDIRECT=FROM:TO is needed');
const { connect } = net;
net.connect = (options, ...rest) =>
  Number(options?.port) === from
    ? connect({ ...options, host: '127.0.0.1', port: to }, ...rest)
    : connect(options, ...rest);
