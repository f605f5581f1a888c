describe('what all test files share', () => {
  it('is not mocked in silence', () => {
    for (const shared of ['pg', 'node:fs', '../../src/core/ids.js']) {
      expect(() => jest.doMock(shared)).toThrow(`${shared} cannot be mocked`);
      expect(() => jest.doMock(shared, () => ({}))).toThrow('cannot be mocked');
      expect(() => jest.setMock(shared, {})).toThrow('cannot be mocked');
      expect(() => (jest as unknown as { unstable_mockModule: typeof jest.doMock }).unstable_mockModule(shared, () => ({}))).toThrow('cannot be mocked');
    }
  });

  it('is not the support of tests, which each file loads anew', () => {
    jest.doMock('../support/requests.js', () => ({ MASTER_KEY: 'mocked' }));
    expect(jest.requireMock('../support/requests.js')).toEqual({ MASTER_KEY: 'mocked' });
    jest.dontMock('../support/requests.js');
  });
});
