import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHaproxyStat } from './parse-stat.ts';

// As HAProxy 3.0.11 answered, without the columns after the address: cp1 answers 200, cp2 500, cp3 is not there; `plain` has no checks.
const csv = `# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,
api-in,FRONTEND,,,0,0,100,0,0,0,0,0,0,,,,,OPEN,,,,,,,,,1,2,0,,,,0,0,0,0,,,,,,,,,,,0,0,0,,,0,0,0,0,,,,,,,,,,,,,,,,,,,,
api,cp1,0,0,0,0,,0,0,0,,0,,0,0,0,0,UP,1,1,0,1,1,2,0,,1,3,1,,0,,2,0,,0,L7OK,200,7,,,,,,,,,,,0,0,,,,,-1,,,0,0,0,0,,,,Layer7 check passed,,2,2,3,,,,127.0.0.1:18101,
api,cp2,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1,1,0,1,1,2,2,,1,3,2,,0,,2,0,,0,L7STS,500,2,,,,,,,,,,,0,0,,,,,-1,Internal Server Error,,0,0,0,0,,,,Layer7 wrong status,,2,2,0,,,,127.0.0.1:18102,
api,cp3,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1,1,0,1,1,2,2,,1,3,3,,0,,2,0,,0,L4CON,,0,,,,,,,,,,,0,0,,,,,-1,Connection refused,,0,0,0,0,,,,Layer4 connection problem,,2,2,0,,,,127.0.0.1:18103,
api,BACKEND,0,0,0,0,10,0,0,0,0,0,,0,0,0,0,UP,1,1,0,,1,2,0,,1,3,0,,0,,1,0,,0,,,,,,,,,,,,,,0,0,0,0,0,0,-1,,,0,0,0,0,,,,,,,,,,,,,
plain,x,0,0,0,0,,0,0,0,,0,,0,0,0,0,no check,1,1,0,,,2,,,1,4,1,,0,,2,0,,0,,,,,,,,,,,,,,0,0,,,,,-1,,,0,0,0,0,,,,,,,,,,,,127.0.0.1:18101,
plain,BACKEND,0,0,0,0,1,0,0,0,0,0,,0,0,0,0,UP,1,1,0,,0,2,0,,1,4,0,,0,,1,0,,0,,,,,,,,,,,,,,0,0,0,0,0,0,-1,,,0,0,0,0,,,,,,,,,,,,,

`;

test('every proxy and server is read with its state, the reason, and what it carries', () => {
  assert.deepEqual(
    parseHaproxyStat(csv).map(({ kind, proxy, server, status, checkStatus, address }) => [kind, proxy, server, status, checkStatus, address]),
    [
      ['frontend', 'api-in', 'FRONTEND', 'OPEN', '', ''],
      ['server', 'api', 'cp1', 'UP', 'L7OK', '127.0.0.1:18101'],
      ['server', 'api', 'cp2', 'DOWN', 'L7STS', '127.0.0.1:18102'],
      ['server', 'api', 'cp3', 'DOWN', 'L4CON', '127.0.0.1:18103'],
      ['backend', 'api', 'BACKEND', 'UP', '', ''],
      ['server', 'plain', 'x', 'no check', '', '127.0.0.1:18101'],
      ['backend', 'plain', 'BACKEND', 'UP', '', ''],
    ],
  );
  const [, cp1, cp2] = parseHaproxyStat(csv);
  assert.deepEqual([cp1?.weight, cp1?.currentSessions, cp1?.sinceChange, cp1?.checkText], [1, 0, 2, 'Layer7 check passed']);
  assert.equal(cp2?.checkText, 'Layer7 wrong status: Internal Server Error');
});

const statuses = [
  ['UP', 'UP'],
  ['UP 1/3', 'UP'],
  ['DOWN 1/2', 'DOWN'],
  ['DOWN (agent)', 'DOWN'],
  ['DRAIN', 'DRAIN'],
  ['DRAIN (agent)', 'DRAIN'],
  ['MAINT (via api/cp1)', 'MAINT'],
  ['no check', 'no check'],
  ['UPSIDE', 'unknown'],
  ['', 'unknown'],
] as const;
for (const [text, status] of statuses) {
  test(`a status in the words of HAProxy has one meaning: "${text}"`, () => {
    const [row] = parseHaproxyStat(`# pxname,svname,status,check_status,scur,weight,type,\napi,cp1,${text},* L4TOUT,17,3,2,\n`);
    assert.deepEqual([row?.status, row?.statusText, row?.checkStatus, row?.currentSessions, row?.weight], [status, text, 'L4TOUT', 17, 3]);
  });
}

test('commas and quotes in the words of a server stay in their column', () => {
  const [row] = parseHaproxyStat('# pxname,svname,last_chk,addr,type,\n"api","cp1","a ""b"", c",10.0.0.1:6443,2,\n');
  assert.deepEqual([row?.proxy, row?.server, row?.checkText, row?.address], ['api', 'cp1', 'a "b", c', '10.0.0.1:6443']);
});

test('no answer is no rows', () => {
  assert.deepEqual(parseHaproxyStat(''), []);
});
